//! Dialogs before there is a window. Without a display they are left out: stderr has said it.

use gtk::{
    ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType, Window, gdk, glib, prelude::*,
};

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

/// Shows a link that lets one browser in.
pub(crate) fn link(url: &str) {
    let Some(dialog) = dialog(MessageType::Info, "Open in a browser") else { return };
    let text = "Works once, within ten minutes, in a browser on this machine. A newer link takes its place.";
    dialog.set_secondary_use_markup(true);
    dialog.set_secondary_text(Some(&format!("{text}\n\n<tt>{}</tt>", glib::markup_escape_text(url))));
    dialog.add_button("Copy", ResponseType::Apply);
    dialog.add_button("Close", ResponseType::Close);
    let url = url.to_owned();
    dialog.connect_response(move |dialog, answer| {
        if answer == ResponseType::Apply {
            dialog.clipboard(&gdk::SELECTION_CLIPBOARD).set_text(&url);
        } else {
            dialog.close();
        }
    });
    dialog.show_all();
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
