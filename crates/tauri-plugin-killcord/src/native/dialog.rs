//! GTK's own dialogs. They run no loop of their own: nothing waits in them. Main thread only.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use gtk::{ButtonsType, DialogFlags, MessageDialog, MessageType, ResponseType, Window, glib, prelude::*};

thread_local! {
    /// The question that is on the screen.
    static OPEN: RefCell<Option<MessageDialog>> = const { RefCell::new(None) };
}

/// Shows the lines; `answered` once they are read.
pub(crate) fn tell(title: &str, lines: &[String], answered: impl FnOnce() + 'static) {
    let dialog = MessageDialog::new(
        None::<&Window>,
        DialogFlags::empty(),
        MessageType::Warning,
        ButtonsType::Close,
        title,
    );
    dialog.set_secondary_text(Some(&lines.join("\n\n")));
    dialog.set_title("Killcord");
    let answered = Cell::new(Some(answered));
    dialog.connect_response(move |dialog, _| {
        if let Some(answered) = answered.take() {
            answered();
        }
        close(dialog);
    });
    dialog.present();
}

/// Asks; `answered` with whether the second of the `answers` was given, or none within the time. `false` if a
/// question is on the screen already: that one is taken away unanswered.
///
/// Not modal: GTK keeps a close of the window from everybody while a modal dialog is there, and a second
/// close is an answer.
pub(crate) fn ask(
    question: &str,
    explanation: &str,
    [no, yes]: [&str; 2],
    within: Duration,
    answered: impl FnOnce(bool) + 'static,
) -> bool {
    if let Some(open) = OPEN.take() {
        close(&open);
        return false;
    }
    let dialog = MessageDialog::new(
        None::<&Window>,
        DialogFlags::empty(),
        MessageType::Question,
        ButtonsType::None,
        question,
    );
    dialog.set_secondary_text(Some(explanation));
    dialog.set_title("Killcord");
    dialog.add_button(no, ResponseType::Cancel);
    dialog.add_button(yes, ResponseType::Accept);
    dialog.set_default_response(ResponseType::Cancel);
    let answered = Rc::new(Cell::new(Some(answered)));
    let late = (Rc::clone(&answered), dialog.downgrade());
    glib::timeout_add_local_once(within, move || {
        let (answered, dialog) = late;
        // Closed in the meantime: answered, or taken away by a second close.
        if let Some(dialog) = dialog.upgrade().filter(WidgetExt::is_visible) {
            settle(&answered, true);
            close(&dialog);
        }
    });
    dialog.connect_response(move |dialog, response| {
        settle(&answered, response == ResponseType::Accept);
        close(dialog);
    });
    dialog.present();
    OPEN.set(Some(dialog));
    true
}

fn settle<F: FnOnce(bool)>(answered: &Cell<Option<F>>, yes: bool) {
    OPEN.take();
    if let Some(answered) = answered.take() {
        answered(yes);
    }
}

/// Hidden and not destroyed, which gtk-rs counts as unsafe: there are one or two in an app's life.
fn close(dialog: &MessageDialog) {
    dialog.hide();
}
