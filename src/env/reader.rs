//! Reading a link from inside of an actor.

use super::{Frame, Link};
use actix::{Actor, ActorFuture, AsyncContext, Context};
use std::pin::Pin;
use std::task;

/// What an actor does with a frame; `None` says that the link is gone. The number tells one link of an actor from the
/// next.
pub type OnFrame<A, R> = fn(&mut A, u64, Option<R>, &mut Context<A>);

struct Reader<A: Actor<Context = Context<A>>, S, R> {
    link: Link<S, R>,
    number: u64,
    on_frame: OnFrame<A, R>,
}

impl<S: Frame, R: Frame> Link<S, R> {
    /// Hands every frame that arrives to an actor, and then the end.
    pub fn read_into<A: Actor<Context = Context<A>>>(
        &self,
        number: u64,
        ctx: &mut Context<A>,
        on_frame: OnFrame<A, R>,
    ) {
        ctx.spawn(Reader { link: self.clone(), number, on_frame });
    }
}

impl<A: Actor<Context = Context<A>>, S: Frame, R: Frame> ActorFuture<A> for Reader<A, S, R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, actor: &mut A, ctx: &mut Context<A>, cx: &mut task::Context<'_>) -> task::Poll<()> {
        while let task::Poll::Ready(frame) = self.link.poll_recv(cx) {
            let over = frame.is_none();
            (self.on_frame)(actor, self.number, frame, ctx);
            if over {
                return task::Poll::Ready(());
            }
        }
        task::Poll::Pending
    }
}
