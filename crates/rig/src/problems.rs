//! Where the checks put what they find: nothing stops at the first problem.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
};

use crate::{
    Diagnostic, Diagnostics, Severity,
    source::{Source, Span},
};

/// More than a person reads.
const SHOWN: usize = 100;

/// More than is shown, so that the first ones of the file are among them; what comes after is only counted.
const KEPT: usize = 1000;

/// The problems found so far.
pub(crate) struct Problems {
    source: Arc<Source>,
    found: RefCell<Vec<Diagnostic>>,
    errors: Cell<usize>,
    counted: Cell<usize>,
}

impl Problems {
    pub(crate) fn new(source: Arc<Source>) -> Self {
        Self { source, found: RefCell::default(), errors: Cell::new(0), counted: Cell::new(0) }
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// A problem that refuses the rig; it counts once [`Draft::tell`] is called.
    pub(crate) fn error(&self, span: Span, message: impl Into<String>) -> Draft<'_> {
        self.draft(Severity::Error, Some(span), message.into())
    }

    /// A problem that does not.
    pub(crate) fn warning(&self, span: Span, message: impl Into<String>) -> Draft<'_> {
        self.draft(Severity::Warning, Some(span), message.into())
    }

    /// A problem of the file as a whole.
    pub(crate) fn file(&self, message: impl Into<String>) -> Draft<'_> {
        self.draft(Severity::Error, None, message.into())
    }

    /// Whether the rig is refused already.
    pub(crate) fn any_error(&self) -> bool {
        self.errors.get() > 0
    }

    /// Warnings alone are a taken rig; one error makes all of it a refusal.
    pub(crate) fn finish(self) -> Result<Vec<Diagnostic>, Diagnostics> {
        let refused = self.any_error();
        let mut found = self.found.into_inner();
        found.sort_by_key(|problem| (problem.span, problem.severity));
        let more = (found.len() + self.counted.get()).saturating_sub(SHOWN);
        if more > 0 {
            // Errors are kept before warnings: a refusal always shows why.
            found.sort_by_key(|problem| problem.severity);
            found.truncate(SHOWN);
            found.sort_by_key(|problem| (problem.span, problem.severity));
            found.push(Diagnostic {
                source: self.source,
                severity: if refused { Severity::Error } else { Severity::Warning },
                message: format!("{more} more problems are not shown"),
                span: None,
                label: String::new(),
                also: Vec::new(),
                help: vec!["mend those above first".into()],
            });
        }
        if refused { Err(Diagnostics(found)) } else { Ok(found) }
    }

    fn draft(&self, severity: Severity, span: Option<Span>, message: String) -> Draft<'_> {
        Draft {
            problems: self,
            diagnostic: Diagnostic {
                source: Arc::clone(&self.source),
                severity,
                message,
                span,
                label: String::new(),
                also: Vec::new(),
                help: Vec::new(),
            },
        }
    }
}

/// A problem being put into words.
#[must_use = "a problem counts once it is told"]
pub(crate) struct Draft<'p> {
    problems: &'p Problems,
    diagnostic: Diagnostic,
}

impl Draft<'_> {
    /// Stands at the underlined text.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.diagnostic.label = label.into();
        self
    }

    /// Another place that belongs to it.
    pub(crate) fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.diagnostic.also.push((span, label.into()));
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.diagnostic.help.push(help.into());
        self
    }

    /// "did you mean", where there is something near.
    pub(crate) fn suggest<'w>(self, word: &str, known: impl IntoIterator<Item = &'w str>) -> Self {
        match crate::suggest::closest(word, known) {
            Some(near) => self.help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Puts it among the found ones.
    pub(crate) fn tell(self) {
        if self.diagnostic.severity == Severity::Error {
            self.problems.errors.set(self.problems.errors.get() + 1);
        }
        let first_errors = self.diagnostic.severity == Severity::Error && self.problems.errors.get() <= SHOWN;
        let mut found = self.problems.found.borrow_mut();
        if found.len() < KEPT || first_errors {
            found.push(self.diagnostic);
        } else {
            self.problems.counted.set(self.problems.counted.get() + 1);
        }
    }
}
