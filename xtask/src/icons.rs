//! The icons' PNG, ICO and ICNS files, drawn anew from the SVG sources in `icons/` with rsvg-convert.
//!
//! The small sizes have a drawing of their own, without the details that would blur there.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::shell;

const FOLDER: &str = "icons";
/// Up to this many pixels the simplified drawing is used.
const SMALL: u32 = 32;

/// File name and size of each picture of the app's icon: Tauri's set.
const PICTURES: &[(&str, u32)] =
    &[("32x32.png", 32), ("64x64.png", 64), ("128x128.png", 128), ("128x128@2x.png", 256), ("icon.png", 512)];
/// The tray's: source, and its name in the file names.
const TRAY: &[(&str, &str)] = &[
    ("killcord-mono", "tray-mono"),
    ("tray-safe", "tray-safe"),
    ("tray-armed", "tray-armed"),
    ("tray-fault", "tray-fault"),
];
/// Sizes in Windows' icon.
const ICO: &[u32] = &[16, 24, 32, 48, 64, 256];
/// Kinds and sizes in Apple's icon (Apple, "Icon Services": each element holds a PNG).
const ICNS: &[(&[u8; 4], u32)] = &[
    (b"ic11", 32),
    (b"ic12", 64),
    (b"ic07", 128),
    (b"ic13", 256),
    (b"ic08", 256),
    (b"ic14", 512),
    (b"ic09", 512),
    (b"ic10", 1024),
];

/// Draws all of them.
pub(crate) fn draw() -> Result<()> {
    if shell::ask(&mut shell::command("rsvg-convert", &["--version"])).is_none() {
        bail!("the icons are drawn by rsvg-convert: `apt-get install librsvg2-bin` as root");
    }
    for (name, size) in PICTURES {
        save(name, &app(*size)?)?;
    }
    for (source, name) in TRAY {
        save(&format!("{name}.png"), &render(source, 32)?)?;
        save(&format!("{name}@2x.png"), &render(source, 64)?)?;
    }
    let windows = ICO.iter().map(|size| Ok((*size, app(*size)?))).collect::<Result<Vec<_>>>()?;
    save("icon.ico", &ico(&windows)?)?;
    let apple = ICNS.iter().map(|(kind, size)| Ok((*kind, app(*size)?))).collect::<Result<Vec<_>>>()?;
    save("icon.icns", &icns(&apple)?)
}

/// The app's icon as a PNG.
fn app(size: u32) -> Result<Vec<u8>> {
    render(if size <= SMALL { "killcord-small" } else { "killcord" }, size)
}

fn render(source: &str, size: u32) -> Result<Vec<u8>> {
    let size = size.to_string();
    let file = format!("{FOLDER}/{source}.svg");
    let mut command = shell::command("rsvg-convert", &["-w", &size, "-h", &size, &file]);
    let output = command.output().with_context(|| format!("cannot draw {file}"))?;
    if !output.status.success() {
        bail!("cannot draw {file}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

fn save(name: &str, bytes: &[u8]) -> Result<()> {
    let path = Path::new(FOLDER).join(name);
    println!("{} ({} bytes)", path.display(), bytes.len());
    std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// An ICO file of PNGs (Windows Vista and later): a header, an entry for each, then the pictures.
fn ico(pictures: &[(u32, Vec<u8>)]) -> Result<Vec<u8>> {
    let mut file = vec![0, 0, 1, 0];
    file.extend(u16::try_from(pictures.len())?.to_le_bytes());
    let mut offset = 6 + 16 * u32::try_from(pictures.len())?;
    for (size, png) in pictures {
        // 256 is written as 0; one plane, 32 bits a pixel.
        let side = if *size == 256 { 0 } else { u8::try_from(*size)? };
        let length = u32::try_from(png.len())?;
        file.extend([side, side, 0, 0, 1, 0, 32, 0]);
        file.extend(length.to_le_bytes());
        file.extend(offset.to_le_bytes());
        offset += length;
    }
    file.extend(pictures.iter().flat_map(|(_, png)| png));
    Ok(file)
}

/// An ICNS file: a header with the whole length, then each element with its kind and length.
fn icns(elements: &[(&[u8; 4], Vec<u8>)]) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for (kind, png) in elements {
        body.extend(*kind);
        body.extend(u32::try_from(png.len() + 8)?.to_be_bytes());
        body.extend(png);
    }
    let mut file = b"icns".to_vec();
    file.extend(u32::try_from(body.len() + 8)?.to_be_bytes());
    file.extend(body);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ico_says_where_each_picture_lies() {
        let file = ico(&[(16, vec![7; 3]), (256, vec![9; 2])]).unwrap();
        assert_eq!(&file[..6], [0, 0, 1, 0, 2, 0]);
        assert_eq!(&file[6..22], [16, 16, 0, 0, 1, 0, 32, 0, 3, 0, 0, 0, 38, 0, 0, 0]);
        assert_eq!(&file[22..38], [0, 0, 0, 0, 1, 0, 32, 0, 2, 0, 0, 0, 41, 0, 0, 0]);
        assert_eq!(&file[38..], [7, 7, 7, 9, 9]);
    }

    #[test]
    fn an_icns_counts_its_headers_too() {
        let file = icns(&[(b"ic07", vec![7; 3])]).unwrap();
        assert_eq!(file, b"icns\0\0\0\x13ic07\0\0\0\x0b\x07\x07\x07");
    }
}
