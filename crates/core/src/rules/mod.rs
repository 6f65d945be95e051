//! The rules (written next).
