//! Makes the message of a call.

use super::routing::Way;
use super::{Call, Producer};
use crate::app::CallOptions;
use crate::message::{DeliveryMode, TaskMessage, Timestamp};
use crate::routing::RoutingError;
use std::time::Duration;

impl Producer {
    pub(super) fn build(&self, mut call: Box<Call>) -> Result<(TaskMessage, Way), RoutingError> {
        let way = self.routing.way(&call)?;
        let options = &mut call.options;
        let now = self.env.wall();
        let id = options.task_id.take().unwrap_or_else(|| self.env.uuid());
        let mut task = TaskMessage::new(id, call.task, call.args, call.kwargs);
        task.eta = options.eta.or_else(|| later(now, options.countdown.filter(|countdown| !countdown.is_zero())));
        task.expires = options.expires_at.or_else(|| later(now, way.expires));
        task.serializer = options.serializer.unwrap_or(self.settings.task_serializer);
        task.compression = options.compression.or(self.settings.task_compression);
        task.origin = Some(self.origin.clone());
        let inherited = call.parent.as_ref().filter(|_| self.settings.task_inherit_parent_priority);
        let inherited = inherited.map(|parent| parent.priority);
        task.priority = way.priority.or(inherited).or(self.default_priority()).unwrap_or(0);
        if let Some(parent) = call.parent {
            (task.root_id, task.parent_id) = (parent.root_id, Some(parent.id));
        }
        task.delivery_mode = options.delivery_mode.unwrap_or(self.default_delivery_mode());
        describe(&mut task, options);
        task.reply_to = task.reply_to.or_else(|| self.reply_to.clone());
        Ok((task, way))
    }

    fn default_priority(&self) -> Option<u8> {
        self.settings.task_default_priority.and_then(|priority| u8::try_from(priority).ok())
    }

    fn default_delivery_mode(&self) -> DeliveryMode {
        if self.settings.task_default_delivery_mode == 1 { DeliveryMode::Transient } else { DeliveryMode::Persistent }
    }
}

/// What a message says of itself just as the caller put it.
fn describe(task: &mut TaskMessage, options: &mut CallOptions) {
    task.shadow = options.shadow.take().map(Into::into);
    task.time_limit = options.time_limit.map(|limit| limit.as_secs_f64());
    task.soft_time_limit = options.soft_time_limit.map(|limit| limit.as_secs_f64());
    task.ignore_result = options.ignore_result;
    task.reply_to = options.reply_to.take();
    task.argsrepr = options.argsrepr.take().map(Into::into);
    task.kwargsrepr = options.kwargsrepr.take().map(Into::into);
    if !options.stamps.is_empty() {
        task.stamped_headers = Some(options.stamps.keys().cloned().collect());
        task.stamps = std::mem::take(&mut options.stamps);
    }
    task.extra = std::mem::take(&mut options.headers);
}

fn later(now: Timestamp, after: Option<Duration>) -> Option<Timestamp> {
    now.checked_add(after?)
}
