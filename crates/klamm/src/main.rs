//! The `klamm` binary: a server, a cluster for development, and a few clients.
//!
//! Exit codes: 0 all went well, 1 it did not, 2 the command line was wrong or a drill could not be run.

mod cli;
mod client_args;
mod config_rules;
mod consume;
mod controller_role;
mod data_folder;
mod dev;
mod drill;
mod failure;
mod features;
mod health;
mod load_config;
mod logging;
mod parent;
mod produce;
mod progress;
mod server;
mod storage;
mod topic;

use clap::Parser;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Small and quick when many threads allocate, which a broker's do.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let outcome = logging::start(cli.log.as_deref()).and_then(|()| match cli.command {
        cli::Command::Server(args) => server::run(&args),
        cli::Command::Dev(args) => dev::run(args),
        cli::Command::Drill(args) => drill::run(*args),
        cli::Command::Topic(args) => topic::run(&args),
        cli::Command::Produce(args) => produce::run(&args),
        cli::Command::Consume(args) => consume::run(&args),
        cli::Command::Features(args) => features::run(&args),
        cli::Command::Health(args) => health::run(&args),
        cli::Command::Storage(args) => storage::run(&args),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The exit code tells it as well, should nobody be there to read.
            let _ = writeln!(io::stderr(), "klamm: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
