//! One file a command.

mod audit;
mod call;
mod check;
mod connect;
mod identity;
mod mcp;
mod pair;
mod pair_with;
mod peers;
mod replay;
mod serve;
mod sessions;

use opendesk_std::desktop::Backend;
use opendesk_std::home::{Home, ServeLock};
use opendesk_std::host::AdminError;
use opendesk_std::tools::{OnRuntime, Session};
use opendesk_tokio::Tokio;

use crate::args::{Args, Command};
use crate::exit::Failure;
use crate::{bench, demo, output};

pub(crate) use check::HELP as CHECK_HELP;

/// What every command gets.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) json: bool,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let json = args.json;
    // Its report says how it failed.
    let is_told = matches!(args.command, Command::Check(_));
    let done = dispatch(args).await;
    if let (true, false, Err(failure)) = (json, is_told, &done) {
        output::line(&output::failure_json(failure).to_string());
    }
    done
}

async fn dispatch(args: Args) -> Result<(), Failure> {
    let Args { home, json, command, .. } = args;
    // These need no home, or make homes of their own.
    match command {
        Command::Demo(options) => return demo::run(options, json).await,
        Command::Bench(options) => return bench::run(options, json).await,
        Command::Replay(options) => return replay::run(json, &options),
        Command::Check(options) => return check::run(json, options).await,
        _ => {}
    }
    let context = Context { home: Home::open(home)?, json };
    match command {
        Command::Serve(options) => serve::run(&context, options).await,
        Command::Pair(options) => pair::run(&context, options).await,
        Command::PairWith(options) => pair_with::run(&context, options).await,
        Command::Peers(options) => peers::run(&context, options).await,
        Command::Identity(options) => identity::run(&context, options).await,
        Command::Sessions => sessions::list(&context).await,
        Command::Disconnect => sessions::disconnect(&context).await,
        Command::Audit(options) => audit::run(&context, &options),
        Command::Connect(options) => connect::run(&context, options).await,
        Command::Call(options) => call::run(&context, options).await,
        Command::Mcp(options) => mcp::run(&context, &options).await,
        Command::Demo(_) | Command::Bench(_) | Command::Replay(_) | Command::Check(_) => Ok(()),
    }
}

/// An agent's session on this machine.
fn session(home: &Home, backend: Backend) -> Session {
    Session::new(home.clone(), backend, Box::new(OnRuntime(Tokio)))
}

/// Does something to the home while no host runs there and none can start, or has the host that runs do it.
async fn at_rest_or_running(
    home: &Home,
    at_rest: impl FnOnce(&ServeLock) -> Result<(), Failure>,
    running: impl Future<Output = Result<(), AdminError>>,
) -> Result<(), Failure> {
    match home.lock_for_serving() {
        Ok(lock) => at_rest(&lock),
        // The home is taken: by a host, which is asked, or by nobody who answers.
        Err(busy) => running.await.map_err(|error| match error {
            AdminError::NotRunning => busy.into(),
            AdminError::Failed(why) => Failure::failed(why),
        }),
    }
}

/// Writes a file that the person asked for.
fn save(path: &std::path::Path, data: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, data).map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

/// Waits for Ctrl-C or a request to end.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        core::future::pending::<()>().await;
    }
}
