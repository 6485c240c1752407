//! Bounding a wait.

use super::Env;
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// The time was up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Env {
    /// Waits for `future`, but no longer than `limit`. When both are done at once, the future wins.
    ///
    /// # Errors
    ///
    /// [`Elapsed`]; the future is dropped then.
    pub async fn timeout<T>(&self, limit: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut future = pin!(future);
        let mut sleep = self.sleep(limit);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| Err(Elapsed)),
        })
        .await
    }
}
