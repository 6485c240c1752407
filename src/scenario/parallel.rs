//! The same work on many inputs, on several threads.

use crate::env::system;

/// Does `work` for each number below `count` on up to `threads` threads, and gives what came of it in that order.
/// `told` is called on this thread whenever one more is done.
pub(super) fn side_by_side<T: Send>(
    threads: u32,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    mut told: impl FnMut(),
) -> Vec<T> {
    let (todo, numbers) = crossbeam_channel::unbounded::<usize>();
    let (report, reports) = crossbeam_channel::unbounded();
    (0..count).for_each(|number| {
        // The receiver lives as long as this function.
        let _ = todo.send(number);
    });
    drop(todo);
    let mut done: Vec<Option<T>> = Vec::new();
    done.resize_with(count, || None);
    let work = &work;
    system::scope(|scope| {
        for _ in 0..threads.max(1).min(u32::try_from(count).unwrap_or(u32::MAX)) {
            let (numbers, report) = (numbers.clone(), report.clone());
            scope.spawn(move || {
                for number in numbers {
                    let _ = report.send((number, work(number)));
                }
            });
        }
        drop(report);
        for (number, result) in reports {
            done[number] = Some(result);
            told();
        }
    });
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::side_by_side;

    #[test]
    fn what_comes_of_it_is_in_order() {
        let mut told = 0;
        let squares = side_by_side(3, 100, |number| number * number, || told += 1);
        assert_eq!(squares, (0..100).map(|number| number * number).collect::<Vec<_>>());
        assert_eq!(told, 100);
        assert!(side_by_side(3, 0, |number| number, || ()).is_empty());
    }
}
