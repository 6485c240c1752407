//! A binary of your own with simq's command line: `worker`, `beat`, `call`, `result`, `purge`, `status`, `config`.
//!
//! ```text
//! command_line worker --broker redis://localhost
//! command_line call shop.total --args '[[1.5, 2]]' --wait --broker redis://localhost --backend redis://localhost
//! command_line config --changed
//! ```

use simq::{App, Profile, Settings, TaskContext};
use std::process::ExitCode;

fn app() -> App {
    // Files, variables of the environment and flags are laid over what stands here.
    let settings = Settings { task_default_queue: "shop".to_owned(), ..Settings::new(Profile::Safe) };
    let app = App::with_settings("command_line", settings);
    app.task("shop.total", |_: TaskContext, (prices,): (Vec<f64>,)| async move { Ok(prices.iter().sum::<f64>()) });
    app
}

fn main() -> ExitCode {
    if std::env::args().len() == 1 {
        println!("command_line worker --broker redis://localhost");
        let urls = "--broker redis://localhost --backend redis://localhost";
        println!("command_line call shop.total --args '[[1.5, 2]]' --wait {urls}");
        println!("command_line config --changed");
        return ExitCode::SUCCESS;
    }
    app().run_cli()
}
