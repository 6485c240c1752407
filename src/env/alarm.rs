//! One timer per actor.

use super::{Env, Instant};
use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, SpawnHandle};

/// An actor's only timer, for whatever is due next. An actor polls every future it has spawned each time it wakes,
/// so a timer per request would make every message cost as much as there are requests.
#[derive(Default)]
pub struct Alarm {
    set: Option<(Instant, SpawnHandle)>,
}

impl Alarm {
    /// Has `ring` called at `at` or before: an alarm that is set for earlier stays, and whoever it rings for looks at the
    /// clock and sets it again. Most things that could fall due never do, so moving the alarm for each of them, or turning
    /// it off, would cost more than an early ring now and then.
    pub fn set<A: Actor<Context = Context<A>>>(
        &mut self,
        at: Option<Instant>,
        env: &Env,
        ctx: &mut Context<A>,
        ring: fn(&mut A, &mut Context<A>),
    ) {
        let Some(at) = at.filter(|at| self.set.is_none_or(|(set, _)| *at < set)) else { return };
        if let Some((_, handle)) = self.set.take() {
            ctx.cancel_future(handle);
        }
        let sleep = wrap_future::<_, A>(env.sleep_until(at));
        let handle = ctx.spawn(sleep.map(move |(), actor, ctx| ring(actor, ctx)));
        self.set = Some((at, handle));
    }

    /// To be called first thing when it rings.
    pub fn rang(&mut self) {
        self.set = None;
    }
}
