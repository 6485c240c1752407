//! What the machine says of itself, and names that nobody else has.

/// The machine's name.
pub(crate) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A short name that no other process has.
pub(crate) fn one_of_many() -> String {
    let mut number = [0; 4];
    getrandom::fill(&mut number).expect("the operating system gives random numbers");
    format!("gen{:08x}", u32::from_ne_bytes(number))
}

/// How many threads it runs at once.
pub(crate) fn cores() -> u32 {
    std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX))
}
