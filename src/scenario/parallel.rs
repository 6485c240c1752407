//! The same work on many inputs, on several threads. What comes of it is taken in the order of the inputs, so nothing
//! depends on how many threads there are.

use crate::env::system;
use crossbeam_channel::{Receiver, Sender, TryRecvError, tick, unbounded};
use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

/// Inputs for each thread that may be begun before the oldest of them is taken.
const AHEAD: u64 = 64;
/// How often results are looked for. Whoever waits for each is woken by each, which costs as much as a tenth of a short run.
const LOOK: Duration = Duration::from_millis(2);

/// Where inputs come from, and where results go. All of it on the thread that waits.
pub(crate) trait Work {
    /// What a thread is given.
    type Input: Send;
    /// What it makes of it.
    type Output: Send;

    /// The next input; `None` when there is none for now. It is asked again whenever a result was taken, so an input may
    /// depend on results.
    fn next(&mut self) -> Option<Self::Input>;

    /// Takes a result. A break ends everything: what is begun is finished, and nobody takes it.
    fn take(&mut self, result: Self::Output) -> ControlFlow<()>;
}

type Panic = Box<dyn Any + Send>;
type Done<T> = (u64, Result<T, Panic>);

/// Does `act` for each input on up to `threads` threads. Panics where `act` does.
pub(crate) fn in_order<W: Work>(threads: u32, act: impl Fn(W::Input) -> W::Output + Sync, work: &mut W) {
    if threads <= 1 {
        while let Some(input) = work.next() {
            if work.take(act(input)).is_break() {
                return;
            }
        }
        return;
    }
    let (todo, inputs) = unbounded();
    let (tell, done) = unbounded();
    let act = &act;
    let ended = system::scope(|scope| {
        for _ in 0..threads {
            let (inputs, tell) = (inputs.clone(), tell.clone());
            #[cfg(feature = "planted")]
            let fault = crate::planted::at_work();
            scope.spawn(move || {
                #[cfg(feature = "planted")]
                crate::planted::plant(fault);
                serve(&inputs, &tell, act);
            });
        }
        drop(tell);
        let ended = feed(u64::from(threads), work, &todo, &done);
        drop(todo);
        while inputs.try_recv().is_ok() {}
        ended
    });
    if let Err(panic) = ended {
        resume_unwind(panic);
    }
}

fn serve<I, T>(inputs: &Receiver<(u64, I)>, tell: &Sender<Done<T>>, act: &impl Fn(I) -> T) {
    for (number, input) in inputs {
        let result = catch_unwind(AssertUnwindSafe(|| act(input)));
        // Nobody listens any more when an earlier one ended everything.
        let _ = tell.send((number, result));
    }
}

fn feed<W: Work>(
    threads: u64,
    work: &mut W,
    todo: &Sender<(u64, W::Input)>,
    done: &Receiver<Done<W::Output>>,
) -> Result<(), Panic> {
    let (mut begun, mut taken, mut early) = (0, 0, BTreeMap::new());
    let look = tick(LOOK);
    loop {
        while begun < taken + AHEAD * threads {
            let Some(input) = work.next() else { break };
            // The receivers live as long as the scope.
            let _ = todo.send((begun, input));
            begun += 1;
        }
        match done.try_recv() {
            _ if taken == begun => return Ok(()),
            Ok((number, result)) => drop(early.insert(number, result)),
            // Ticks never end.
            Err(TryRecvError::Empty) => drop(look.recv()),
            Err(TryRecvError::Disconnected) => return Ok(()),
        }
        while let Some(result) = early.remove(&taken) {
            taken += 1;
            if work.take(result?).is_break() {
                return Ok(());
            }
        }
    }
}

/// Does `act` for each of these inputs, which are known from the start; `take` gets the results in their order.
pub(crate) fn each_in_order<I: Send, T: Send>(
    threads: u32,
    inputs: impl Iterator<Item = I>,
    act: impl Fn(I) -> T + Sync,
    take: impl FnMut(T) -> ControlFlow<()>,
) {
    in_order(threads, act, &mut Known { inputs, take, results: PhantomData });
}

struct Known<I, F, T> {
    inputs: I,
    take: F,
    results: PhantomData<fn(T)>,
}

impl<I: Iterator<Item: Send>, F: FnMut(T) -> ControlFlow<()>, T: Send> Work for Known<I, F, T> {
    type Input = I::Item;
    type Output = T;

    fn next(&mut self) -> Option<I::Item> {
        self.inputs.next()
    }

    fn take(&mut self, result: T) -> ControlFlow<()> {
        (self.take)(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: u32, count: u64, most: usize) -> Vec<u64> {
        let mut taken = Vec::new();
        each_in_order(
            threads,
            0..count,
            |number| number * number,
            |square| {
                taken.push(square);
                if taken.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        taken
    }

    #[test]
    fn results_are_taken_in_order_until_somebody_has_enough() {
        let all: Vec<u64> = (0..1000).map(|number| number * number).collect();
        for threads in [1, 3] {
            assert_eq!(squares(threads, 1000, usize::MAX), all);
            assert_eq!(squares(threads, 1000, 10), all[..10]);
            assert!(squares(threads, 0, 1).is_empty());
        }
    }

    /// Each input is the sum of all results so far, so there is one at a time.
    struct Sum {
        result: u64,
        asked: bool,
    }

    impl Work for Sum {
        type Input = u64;
        type Output = u64;

        fn next(&mut self) -> Option<u64> {
            (!std::mem::replace(&mut self.asked, true)).then_some(self.result)
        }

        fn take(&mut self, result: u64) -> ControlFlow<()> {
            (self.result, self.asked) = (self.result + result, self.result > 1000);
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn an_input_may_depend_on_results() {
        let sum = |threads| {
            let mut work = Sum { result: 1, asked: false };
            in_order(threads, |number| number + 1, &mut work);
            work.result
        };
        assert_eq!(sum(4), sum(1));
        assert!(sum(4) > 1000);
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_of_a_thread_is_a_panic_and_nobody_waits_for_ever() {
        let act = |number: u64| if number == 7 { panic!("the seventh") } else { number };
        each_in_order(2, 0..100, act, |_| ControlFlow::Continue(()));
    }
}
