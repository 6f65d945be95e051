//! Dialogs before there is a window. Without a display they are left out: stderr has said it.

use gtk::{
    ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType, Window, gdk,
    gdk_pixbuf::{Colorspace, Pixbuf},
    glib,
    prelude::*,
};
use killcord_server::Qr;

use crate::serve::Invitation;

/// The side of a module of a QR code on the screen.
const PIXELS: usize = 5;
/// More lines of a rig file's problems than this do not fit on a screen; stderr has them all.
const MOST_LINES: usize = 30;

fn dialog(kind: MessageType, title: &str) -> Option<MessageDialog> {
    // GTK complains on stderr by itself.
    gtk::init().ok()?;
    let dialog = MessageDialog::new(None::<&Window>, DialogFlags::empty(), kind, ButtonsType::None, title);
    dialog.set_title("Killcord");
    Some(dialog)
}

/// Says something and waits until it is read.
pub(crate) fn tell(title: &str, text: &str) {
    if let Some(dialog) = dialog(MessageType::Error, title) {
        dialog.set_secondary_text(Some(text));
        close_when_read(&dialog);
    }
}

/// The same for a text whose columns matter.
pub(crate) fn tell_text(title: &str, text: &str, problems: usize) {
    let Some(dialog) = dialog(MessageType::Error, title) else { return };
    let mut shown: Vec<&str> = text.lines().take(MOST_LINES).collect();
    let more = format!("… {problems} problems in all; `killcord check` shows them.");
    if text.lines().count() > MOST_LINES {
        shown.push(&more);
    }
    let markup = format!("<tt>{}</tt>", glib::markup_escape_text(&shown.join("\n")));
    dialog.set_secondary_use_markup(true);
    dialog.set_secondary_text(Some(&markup));
    close_when_read(&dialog);
}

/// Shows something beside the window, which goes on meanwhile.
pub(crate) fn note(title: &str, text: &str) {
    if let Some(dialog) = dialog(MessageType::Info, title) {
        dialog.set_secondary_text(Some(text));
        dialog.add_button("Close", ResponseType::Close);
        dialog.connect_response(|dialog, _| dialog.close());
        dialog.show_all();
    }
}

/// Shows a link that lets one browser in, for the eye and for a camera.
pub(crate) fn link(Invitation { link: url, fingerprint }: &Invitation) {
    let Some(dialog) = dialog(MessageType::Info, "Open in a browser") else { return };
    let mut text = String::from("Works once, within ten minutes. A newer link takes its place.");
    if fingerprint.is_some() {
        text += "\nThe browser will not know this host's certificate: compare its SHA-256 fingerprint before you go on.";
    }
    let mono = |text: &str| format!("\n\n<tt>{}</tt>", glib::markup_escape_text(text));
    text += &mono(url);
    if let Some(fingerprint) = fingerprint {
        // In two lines: it is as long as a link.
        let (one, two) = fingerprint.split_at(fingerprint.len().div_ceil(2));
        text += &mono(&format!("{one}\n{two}"));
    }
    dialog.set_secondary_use_markup(true);
    dialog.set_secondary_text(Some(&text));
    if let Some(code) = Qr::of(url).map(|qr| camera(&qr)) {
        dialog.content_area().add(&code);
    }
    dialog.add_button("Copy", ResponseType::Apply);
    dialog.add_button("Close", ResponseType::Close);
    let url = url.clone();
    dialog.connect_response(move |dialog, answer| {
        if answer == ResponseType::Apply {
            dialog.clipboard(&gdk::SELECTION_CLIPBOARD).set_text(&url);
        } else {
            dialog.close();
        }
    });
    dialog.show_all();
}

/// A code as a picture, dark on white whatever the theme is.
fn camera(qr: &Qr) -> gtk::Image {
    let side = qr.size * PIXELS;
    let pixel = |at: usize| {
        let (x, y) = (at % side / PIXELS, at / side / PIXELS);
        [if qr.is_dark(x, y) { 0 } else { 255 }; 3]
    };
    let bytes: Vec<u8> = (0..side * side).flat_map(pixel).collect();
    let (bytes, side) = (glib::Bytes::from_owned(bytes), i32::try_from(side).unwrap_or(0));
    let picture = Pixbuf::from_bytes(&bytes, Colorspace::Rgb, false, 8, side, side, 3 * side);
    gtk::Image::from_pixbuf(Some(&picture))
}

/// Asks; `None` without a display.
pub(crate) fn ask(question: &str, explanation: &str, [no, yes]: [&str; 2]) -> Option<bool> {
    let dialog = dialog(MessageType::Question, question)?;
    dialog.set_secondary_text(Some(explanation));
    dialog.add_button(no, ResponseType::Cancel);
    dialog.add_button(yes, ResponseType::Accept);
    dialog.set_default_response(ResponseType::Cancel);
    let answer = dialog.run();
    gone(&dialog);
    Some(answer == ResponseType::Accept)
}

fn close_when_read(dialog: &MessageDialog) {
    dialog.add_button("Close", ResponseType::Close);
    dialog.run();
    gone(dialog);
}

/// Off the screen before what comes next.
fn gone(dialog: &MessageDialog) {
    dialog.hide();
    while gtk::events_pending() {
        gtk::main_iteration_do(false);
    }
}
