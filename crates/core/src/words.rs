//! The stable words of an enum's variants, for tests of lists that have to have them all.

use serde::de::DeserializeOwned;

/// The words of all variants, in their order, as serde names them when it does not know the one in `unknown`.
pub(crate) fn of<T: DeserializeOwned>(unknown: &str) -> Vec<String> {
    let Err(error) = serde_json::from_str::<T>(unknown) else { panic!("{unknown} is known") };
    let error = error.to_string();
    let (_, expected) = error.split_once("expected").unwrap();
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
