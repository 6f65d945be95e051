//! Pages of the author's own in the panel's place.

use std::{fs, path::Path};

use killcord_server::Remote;

use crate::bench::{Bench, ask, get, remote};

const INDEX: &str = "<!doctype html>\n<html lang=\"en\"><HEAD data-x=\"1\"><title>Mine</title></HEAD><body>of my own</body></html>";

/// A folder of pages, and something beside it that is nobody's.
fn pages(outer: &Path) -> std::path::PathBuf {
    let folder = outer.join("panel");
    fs::create_dir_all(folder.join("plots")).unwrap();
    fs::write(outer.join("secret.txt"), "a secret").unwrap();
    fs::write(folder.join(".env"), "a secret").unwrap();
    fs::write(folder.join("index.html"), INDEX).unwrap();
    fs::write(folder.join("plots/index.html"), INDEX).unwrap();
    fs::write(folder.join("mine.js"), "export {};").unwrap();
    folder
}

#[test]
fn they_are_the_gui_hold_sessions_and_leave_the_panel_at_its_own_address() {
    let outer = tempfile::tempdir().unwrap();
    let bench = Bench::with_pages(&remote(), &pages(outer.path()));
    let browser = bench.browser();
    for path in ["/", "/index.html", "/plots/", "/?n=1"] {
        let answer = browser.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.body.contains("of my own"), "{path}");
        assert!(
            answer.body.contains("<HEAD data-x=\"1\"><meta name=\"killcord-nonce\" content=\""),
            "{}",
            answer.body
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(answer.header("content-security-policy").unwrap().contains("script-src 'self'"));
    }
    let script = browser.get("/mine.js");
    assert_eq!((script.status, script.body.as_str()), (200, "export {};"));
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
    assert!(browser.get("/killcord/panel").body.contains("Panel"));
    assert_eq!(browser.get("/none.js").status, 404);

    // A session like the panel's, of a browser that asked for no other page: a reload goes on, a close is an end.
    let browser = bench.browser();
    let mut page = browser.page(None);
    page.arm(&bench);
    let nonce = browser.document();
    assert_eq!(browser.post("/killcord/bye", &page.bye(false)).status, 204);
    let mut back = browser.hello(&nonce, Some(&page.token));
    assert!(back.resumed() && bench.is_on());
    back.beat(1);
    assert_eq!(browser.post("/killcord/bye", &back.bye(false)).status, 204);
    bench.until_off();
}

#[test]
fn nobody_reads_them_who_was_not_let_in() {
    let outer = tempfile::tempdir().unwrap();
    let bench = Bench::with_pages(&Remote { base_path: "/bench1/".into(), ..remote() }, &pages(outer.path()));
    let stranger = |path: &str| ask(bench.at(), &get(bench.at(), path, ""));
    for path in ["/bench1/", "/bench1/plots/", "/bench1/none/", "/bench1/index.html", "/bench1/none.html"] {
        let answer = stranger(path);
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, Some("/bench1/killcord/pair")),
            "{path}"
        );
    }
    // Not even whether they are there.
    for path in ["/bench1/mine.js", "/bench1/none.js", "/bench1/plots"] {
        let answer = stranger(path);
        assert_eq!((answer.status, answer.code().as_str()), (401, "not_paired"), "{path}");
    }
}

#[test]
fn no_path_leads_out_of_their_folder() {
    let outer = tempfile::tempdir().unwrap();
    let bench = Bench::with_pages(&remote(), &pages(outer.path()));
    let browser = bench.browser();
    let absolute = format!("/{}", outer.path().join("secret.txt").display());
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2fsecret.txt",
        "/%252e%252e/secret.txt",
        "/plots/../../secret.txt",
        "/plots/%2e%2e/%2e%2e/secret.txt",
        "/..%5csecret.txt",
        "/..;/secret.txt",
        "/....//secret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/mine.js%00.html",
        "/mine.js/../../secret.txt",
        "//secret.txt",
        "/killcord/../secret.txt",
        "/killcord/%2e%2e/%2e%2e/secret.txt",
        "/.env",
        "/%2eenv",
        "/panel/.env",
        &absolute,
        "/etc/passwd",
        "/%2fetc%2fpasswd",
    ] {
        let answer = browser.get(path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(!answer.body.contains("secret"), "{path}");
    }
}
