//! Arguments of tasks: tuples, as JSON arrays.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Arguments that a task takes: a tuple of up to eight values, `()` for none.
pub trait TaskArgs: Sized + 'static {
    /// Writes them as a JSON array.
    ///
    /// # Errors
    ///
    /// When a value can't be written, for example a map whose keys are no texts.
    fn to_json(&self) -> Result<Box<RawValue>, String>;
    /// Reads them from a JSON array.
    ///
    /// # Errors
    ///
    /// What Celery reports as `TypeError`: their number or a type doesn't fit.
    fn from_json(args: &RawValue) -> Result<Self, String>;
}

impl TaskArgs for () {
    fn to_json(&self) -> Result<Box<RawValue>, String> {
        RawValue::from_string("[]".to_owned()).map_err(|error| error.to_string())
    }

    fn from_json(args: &RawValue) -> Result<Self, String> {
        let given: Vec<&RawValue> = serde_json::from_str(args.get()).map_err(|error| error.to_string())?;
        if given.is_empty() { Ok(()) } else { Err(format!("takes no arguments but {} were given", given.len())) }
    }
}

macro_rules! tuples {
    ($( ($($name:ident)+) )*) => {$(
        impl<$($name: Serialize + DeserializeOwned + 'static),+> TaskArgs for ($($name,)+) {
            fn to_json(&self) -> Result<Box<RawValue>, String> {
                serde_json::value::to_raw_value(self).map_err(|error| error.to_string())
            }

            fn from_json(args: &RawValue) -> Result<Self, String> {
                serde_json::from_str(args.get()).map_err(|error| error.to_string())
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }
