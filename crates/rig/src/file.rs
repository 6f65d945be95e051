//! A rig file: read, and checked.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use killcord_core::{
    Plan, Policy, Rig,
    driver::DriverSpec,
    rig::{Remote, Tls},
};

use crate::{
    Diagnostic, Diagnostics,
    device::{self, DeviceDraft},
    fields::Fields,
    limits, link,
    problems::Problems,
    section,
    source::Source,
    syntax, whole,
};

/// The text of a rig file, not yet checked.
#[derive(Clone, Debug)]
pub struct RigFile {
    source: Arc<Source>,
    path: Option<PathBuf>,
}

impl RigFile {
    /// Reads a file.
    ///
    /// # Errors
    /// What keeps it from being read: it is missing, no plain file, too large, or not UTF-8.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Diagnostics> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let (canonical, bytes) = load(path).map_err(|why| {
            let help = match why.kind() {
                std::io::ErrorKind::NotFound => "check its path, or write one with `killcord init`",
                std::io::ErrorKind::PermissionDenied => "make it readable for this user: chmod u+r",
                _ => "name a plain file",
            };
            whole_file(&name, format!("the rig file cannot be read: {why}"), help)
        })?;
        Ok(Self { path: Some(canonical), ..Self::parse(&name, bytes)? })
    }

    /// Takes a text; `name` is what diagnostics call it.
    ///
    /// # Errors
    /// Too large (256 KiB), or not UTF-8.
    pub fn parse(name: &str, text: impl Into<Vec<u8>>) -> Result<Self, Diagnostics> {
        let bytes: Vec<u8> = text.into();
        if bytes.len() > limits::FILE {
            let message = format!("the rig file is larger than {} KiB", limits::FILE / 1024);
            return Err(whole_file(name, message, "check that this is the right file"));
        }
        let text = String::from_utf8(bytes).map_err(|why| {
            let good = why.utf8_error().valid_up_to();
            // The text up to the bad byte, and a sign in its place, so that the line can be shown.
            let text = String::from_utf8_lossy(why.as_bytes()).into_owned();
            let problems = Problems::new(Arc::new(Source { name: name.to_owned(), text }));
            problems
                .error((good..good + char::REPLACEMENT_CHARACTER.len_utf8()).into(), "the file is not UTF-8")
                .label("these bytes are no character")
                .help("save it as UTF-8")
                .tell();
            refused(problems)
        })?;
        Ok(Self { source: Arc::new(Source { name: name.to_owned(), text }), path: None })
    }

    /// Where the file is, symbolic links resolved: two names of one file are one rig. `None` for a text
    /// that was not read from a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What diagnostics call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// Checks everything that can be checked without touching a device.
    ///
    /// # Errors
    /// All problems at once, warnings among them, in the order of the file. A file that is not TOML is told
    /// so first: what a broken line was to say is not guessed at.
    pub fn check(&self, drivers: &[&'static DriverSpec]) -> Result<(Rig, Vec<Diagnostic>), Diagnostics> {
        let problems = Problems::new(Arc::clone(&self.source));
        let table = syntax::parse(&problems);
        let Some(table) = table else { return Err(refused(problems)) };
        let rig = rig(&problems, Fields::new(&problems, "a rig file", (0..0).into(), &table), drivers);
        drop(table);
        let warnings = problems.finish()?;
        let mut rig = Rig { source: self.path.clone(), ..rig };
        if let Some(folder) = self.path.as_deref().and_then(Path::parent) {
            // As they are meant by who reads the file, wherever the host is started.
            if let Some(app) = &mut rig.plan.app {
                app.directory = folder.join(&app.directory);
            }
            if let Some(ui) = &mut rig.ui {
                *ui = folder.join(&*ui);
            }
            if let Some(Remote { tls: Tls::Own { cert, key }, .. }) = &mut rig.remote {
                (*cert, *key) = (folder.join(&*cert), folder.join(&*key));
            }
        }
        Ok((rig, warnings))
    }
}

fn rig(problems: &Problems, root: Fields<'_>, drivers: &[&'static DriverSpec]) -> Rig {
    let head = section::rig(&root);
    let safety = section::safety(&root);
    let session = section::session(&root);
    let messages = section::messages(&root);
    let remote = section::remote(&root);
    let links = link::read(&root);
    let mut devices = device::read(&root, drivers, head.deadline);
    let app = section::app(&root);
    let ui = section::ui(&root);
    root.finish_with(|name, field| section::unknown(problems, name, field));

    whole::names(problems, &devices);
    let links = whole::lines(problems, links, &mut devices);
    whole::order(problems, &mut devices);
    never_armed(problems, &safety, &devices);
    let stop_span = app.as_ref().map(|app| app.stop_span);

    let mut plan = Plan {
        rig: head.name,
        deadline: head.deadline,
        links,
        devices: devices.iter().map(|device| device.plan.clone()).collect(),
        app: app.map(|app| app.resolve(problems, &devices)),
    };
    // Sums over sequences that are wrong would be wrong themselves.
    if !problems.any_error() {
        whole::budgets(problems, &mut plan, &devices, stop_span);
    }
    let mut readings = Vec::new();
    let mut controls = Vec::new();
    for device in devices {
        readings.extend(device.readings);
        controls.extend(device.controls);
    }
    Rig {
        plan,
        policy: Policy { safety: safety.policy, session },
        readings,
        controls,
        messages,
        source: None,
        remote,
        ui,
    }
}

/// Tells of what counts only while armed, on a rig that never is.
fn never_armed(problems: &Problems, safety: &section::Safety, devices: &[DeviceDraft]) {
    let arms = devices.iter().any(|device| {
        !device.plan.arm.is_empty()
            || device.controls.iter().any(|control| control.needs == killcord_core::rig::Needs::Armed)
    });
    if arms || devices.is_empty() {
        return;
    }
    for span in devices.iter().flat_map(|device| &device.armed_limits) {
        problems
            .warning(*span, "these limits never take effect: nothing in this rig is ever armed")
            .help("write while = \"always\"")
            .tell();
    }
    if let Some(span) = safety.arms_by_itself {
        problems
            .warning(span, "this never takes effect: nothing in this rig is ever armed")
            .help("leave it out")
            .tell();
    }
}

/// The bytes of a plain file and where it is. What is no plain file is not opened: a pipe would hang, a
/// device might act.
fn load(path: &Path) -> std::io::Result<(PathBuf, Vec<u8>)> {
    let canonical = std::fs::canonicalize(path)?;
    if !std::fs::metadata(&canonical)?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&canonical)?.take(limits::FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok((canonical, bytes))
}

fn whole_file(name: &str, message: String, help: &str) -> Diagnostics {
    let problems = Problems::new(Arc::new(Source { name: name.to_owned(), text: String::new() }));
    problems.file(message).help(help).tell();
    refused(problems)
}

/// The problems of a rig that is known to be refused.
fn refused(problems: Problems) -> Diagnostics {
    match problems.finish() {
        Err(found) => found,
        Ok(warnings) => Diagnostics(warnings),
    }
}
