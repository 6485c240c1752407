//! Arguments of tasks: positional as tuples, by name as structs.

use super::bind::{self, bind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// What a call carries: a JSON array and a JSON object.
pub type RawArguments = (Box<RawValue>, Box<RawValue>);

/// Arguments that a task takes: a tuple of up to eight values, `()` for none, or [`Kwargs`].
pub trait TaskArgs: Sized + 'static {
    /// Writes them as a JSON array and a JSON object.
    ///
    /// # Errors
    ///
    /// When a value can't be written, for example a map whose keys are no texts.
    fn to_json(&self) -> Result<RawArguments, String>;

    /// Reads them. `parameters` are the names of the positional ones, if the task gives any (`TaskOptions::parameters`):
    /// then a caller may pass them by name too.
    ///
    /// # Errors
    ///
    /// What Celery reports as `TypeError`: their number, a name or a type doesn't fit.
    fn from_json(args: &RawValue, kwargs: &RawValue, parameters: &[String]) -> Result<Self, String>;
}

/// Arguments by name: a struct whose fields are the parameters. A call sends all of them by name. A task that takes it
/// may be called as a Python function may: by position, by name, or both; a field that is missing is `None` if it is an
/// `Option`, or what `#[serde(default)]` says.
///
/// ```
/// # use simq::{App, Kwargs, TaskContext};
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Mail {
///     to: String,
///     subject: Option<String>,
/// }
///
/// let app = App::new("shop");
/// let send = app.task("mail.send", |_: TaskContext, Kwargs(mail): Kwargs<Mail>| async move {
///     Ok(format!("{}: {}", mail.to, mail.subject.unwrap_or_default()))
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kwargs<T>(pub T);

impl<T: Serialize + DeserializeOwned + 'static> TaskArgs for Kwargs<T> {
    fn to_json(&self) -> Result<RawArguments, String> {
        let kwargs = serde_json::value::to_raw_value(&self.0).map_err(|error| error.to_string())?;
        if !kwargs.get().starts_with('{') {
            return Err(format!("keyword arguments must be a struct or a map, not {}", kwargs.get()));
        }
        Ok((bind::nothing("[]"), kwargs))
    }

    fn from_json(args: &RawValue, kwargs: &RawValue, _: &[String]) -> Result<Self, String> {
        bind::by_name(args, kwargs).map(Kwargs)
    }
}

/// Whatever a call carries, as it came.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Given {
    pub(crate) args: Box<RawValue>,
    pub(crate) kwargs: Box<RawValue>,
}

impl TaskArgs for Given {
    fn to_json(&self) -> Result<RawArguments, String> {
        Ok((self.args.clone(), self.kwargs.clone()))
    }

    fn from_json(args: &RawValue, kwargs: &RawValue, _: &[String]) -> Result<Self, String> {
        Ok(Given { args: args.to_owned(), kwargs: kwargs.to_owned() })
    }
}

impl TaskArgs for () {
    fn to_json(&self) -> Result<RawArguments, String> {
        Ok((bind::nothing("[]"), bind::nothing("{}")))
    }

    fn from_json(args: &RawValue, kwargs: &RawValue, parameters: &[String]) -> Result<Self, String> {
        bind::<[(); 0]>(args, kwargs, parameters, 0).map(drop)
    }
}

macro_rules! tuples {
    ($( ($($name:ident)+) )*) => {$(
        impl<$($name: Serialize + DeserializeOwned + 'static),+> TaskArgs for ($($name,)+) {
            fn to_json(&self) -> Result<RawArguments, String> {
                let args = serde_json::value::to_raw_value(self).map_err(|error| error.to_string())?;
                Ok((args, bind::nothing("{}")))
            }

            fn from_json(args: &RawValue, kwargs: &RawValue, parameters: &[String]) -> Result<Self, String> {
                bind(args, kwargs, parameters, [$(stringify!($name)),+].len())
            }
        }
    )*};
}

tuples! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }
