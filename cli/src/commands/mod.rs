//! One file a command.

mod agent;
mod agent_call;
mod answer;
mod audit;
mod call;
mod check;
mod completions;
mod connect;
mod control;
mod copy;
mod describe;
mod desktop;
mod discover;
mod exec;
mod fleet;
mod identity;
mod install;
mod man;
mod mcp;
mod pair;
mod pair_with;
mod peers;
mod pictures;
mod policy;
mod replay;
mod scheduler;
mod serve;
mod service;
mod sessions;
mod short;
mod status;
mod tools;
mod view;

use core::future::pending;
use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use opendesk_std::desktop::Backend;
use opendesk_std::govern::control::Mode;
use opendesk_std::home::{Home, HomeErrorKind, ServeLock, TrustedPeer};
use opendesk_std::host::{AdminError, log_at_rest, reload_running};
use opendesk_std::tools::{OnRuntime, Session};
use opendesk_tokio::Tokio;

use crate::args::{Args, AuditCommand, Command, LogFormat, PeersCommand, PolicyCommand};
use crate::exit::{Failure, ended_by};
use crate::{bench, demo, output};

pub(crate) use agent::HELP as AGENT_HELP;
pub(crate) use agent_call::HELP as AGENT_CALL_HELP;
pub(crate) use answer::HELP as ANSWER_HELP;
pub(crate) use check::HELP as CHECK_HELP;
pub(crate) use completions::HELP as COMPLETIONS_HELP;
pub(crate) use copy::HELP as COPY_HELP;
pub(crate) use discover::HELP as DISCOVER_HELP;
pub(crate) use exec::HELP as EXEC_HELP;
pub(crate) use fleet::HELP as FLEET_HELP;
pub(crate) use install::help as install_help;
pub(crate) use man::HELP as MAN_HELP;
pub(crate) use mcp::HELP as MCP_HELP;
pub(crate) use pair_with::HELP as PAIR_WITH_HELP;
pub(crate) use short::{CLICK_HELP, SCREENSHOT_HELP, TYPE_HELP};

/// What every command gets.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) home: Home,
    pub(crate) json: bool,
    pub(crate) verbose: u8,
    pub(crate) log_format: LogFormat,
    pub(crate) log_file: Option<PathBuf>,
}

pub(crate) async fn run(args: Args) -> Result<(), Failure> {
    let json = args.json;
    let done = dispatch(args).await;
    if json
        && let Err(failure) = &done
        && !failure.is_told()
    {
        output::line(&output::failure_json(failure).to_string());
    }
    done
}

async fn dispatch(args: Args) -> Result<(), Failure> {
    let Args { home, json, verbose, log_format, log_file, command } = args;
    // These need no home, or make homes of their own.
    match command {
        Command::Demo(options) => return demo::run(options, json).await,
        Command::Bench(options) => return bench::run(options, json).await,
        Command::Replay(options) => return replay::run(json, &options),
        Command::Check(options) => return check::run(json, options).await,
        Command::Completions(options) => return completions::run(&options),
        Command::Man(options) => return man::run(json, &options),
        _ => {}
    }
    let home = if only_looks(&command) { Home::look_at(home)? } else { Home::open(home)? };
    let context = Context { home, json, verbose, log_format, log_file };
    match command {
        Command::Serve(options) => serve::run(&context, options).await,
        Command::Pair(options) => pair::run(&context, options).await,
        Command::PairWith(options) => pair_with::run(&context, options).await,
        Command::Discover(options) => discover::run(&context, options).await,
        Command::Peers(options) => peers::run(&context, options).await,
        Command::Unpair { peer } => peers::unpair(&context, &peer).await,
        Command::Describe(options) => describe::run(&context, options).await,
        Command::Approve { number } => answer::run(&context, number, true).await,
        Command::Deny { number } => answer::run(&context, number, false).await,
        Command::Stop(options) => control::run(&context, Mode::Stopped, options).await,
        Command::Takeover(options) => control::run(&context, Mode::Takeover, options).await,
        Command::Resume(options) | Command::Handback(options) => control::run(&context, Mode::Running, options).await,
        Command::Policy(options) => policy::run(&context, options).await,
        Command::InstallService(options) => service::install(&context, options).await,
        Command::UninstallService => service::uninstall(&context).await,
        Command::Service(options) => service::run(&context, options).await,
        Command::Status(options) => status::run(&context, options).await,
        Command::Identity(options) => identity::run(&context, options).await,
        Command::Sessions => sessions::list(&context).await,
        Command::Disconnect => sessions::disconnect(&context).await,
        Command::Audit(options) => audit::run(&context, options).await,
        Command::Connect(options) => connect::run(&context, options).await,
        Command::Screenshot(options) => short::screenshot(&context, options).await,
        Command::Type(options) => short::type_text(&context, options).await,
        Command::Click(options) => short::click(&context, options).await,
        Command::Call(options) => call::run(&context, options).await,
        Command::Copy(options) => copy::run(&context, options).await,
        Command::Exec(options) => exec::run(&context, options).await,
        Command::Fleet(options) => fleet::run(&context, options).await,
        Command::Mcp(options) => mcp::run(&context, &options).await,
        Command::View(options) => view::run(&context, options).await,
        Command::Install(options) => install::run(&context, options).await,
        Command::Uninstall(options) => install::uninstall(&context, options).await,
        Command::Tools(options) => tools::run(&context, options).await,
        Command::AgentCall(options) => agent_call::run(&context, options).await,
        Command::Agent(options) => agent::run(&context, options).await,
        Command::Scheduler(options) => scheduler::run(&context, options).await,
        Command::Demo(_)
        | Command::Bench(_)
        | Command::Replay(_)
        | Command::Check(_)
        | Command::Completions(_)
        | Command::Man(_) => Ok(()),
    }
}

/// Whether a command only looks at what is there: one that is tried out leaves no home behind.
fn only_looks(command: &Command) -> bool {
    match command {
        Command::Peers(options) => matches!(options.command, None | Some(PeersCommand::List)),
        Command::Policy(options) => {
            matches!(options.command, None | Some(PolicyCommand::Show | PolicyCommand::Test { .. }))
        }
        Command::Audit(options) => !options.follow && !matches!(options.command, Some(AuditCommand::Acknowledge)),
        Command::Status(options) => !options.watch,
        Command::Describe(options) => options.text.is_none() && !options.clear,
        Command::InstallService(options) => options.dry_run,
        Command::Service(_) | Command::UninstallService | Command::Sessions => true,
        Command::Approve { .. } | Command::Deny { .. } => true,
        _ => false,
    }
}

/// An agent's session on this machine.
fn session(home: &Home, backend: Backend) -> Session {
    Session::new(home.clone(), backend, Box::new(OnRuntime(Tokio))).keeping(Arc::new(check::keep_in_background))
}

/// Ends the links of a session that has done its work. Others on this machine may have borrowed them for a command: that is
/// waited for, unless the person will not wait.
async fn close(session: &Session) {
    if session.is_needed().await {
        output::note("another opendesk runs a command through this connection and is waited for; Ctrl-C ends both");
        tokio::select! {
            () = session.linger() => {}
            () = interrupted() => {}
        }
    }
    session.close().await;
}

/// Does something in a session of its own, and ends that well.
async fn within<T>(
    context: &Context,
    backend: Backend,
    work: impl AsyncFnOnce(&Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let session = session(&context.home, backend);
    let done = tokio::select! {
        done = work(&session) => done,
        () = interrupted() => Err(Failure::interrupted()),
    };
    close(&session).await;
    done
}

/// Has a change of the home's files logged: by the host that runs, which looks at them, or here.
async fn logged(
    context: &Context,
    kind: &'static str,
    peer: Option<&TrustedPeer>,
    detail: &str,
) -> Result<(), Failure> {
    let home = &context.home;
    let at_rest = |lock: &ServeLock| {
        log_at_rest(home, kind, peer, detail, lock);
        Ok(())
    };
    at_rest_or_running(home, at_rest, async || reload_running(&Tokio, home).await).await
}

/// Does something to the home while no host runs there and none can start, or has the host that runs do it.
async fn at_rest_or_running(
    home: &Home,
    at_rest: impl FnOnce(&ServeLock) -> Result<(), Failure>,
    running: impl AsyncFn() -> Result<(), AdminError>,
) -> Result<(), Failure> {
    for attempt in 1.. {
        let busy = match home.lock_for_serving() {
            Ok(lock) => return at_rest(&lock),
            Err(error) if error.kind() != HomeErrorKind::Busy => return Err(error.into()),
            Err(busy) => busy,
        };
        // The home is taken: by a host, which is asked, or by a program that does what this one wants to do.
        match running().await {
            Ok(()) => break,
            Err(AdminError::Failed(why)) => return Err(Failure::failed(why)),
            Err(AdminError::NotRunning) if attempt < TRIES => tokio::time::sleep(PAUSE).await,
            Err(AdminError::NotRunning) => return Err(busy.into()),
        }
    }
    Ok(())
}

/// What is said beside the result where a host was asked for what only a host knows.
fn note_no_host() {
    output::note("no host runs with this home directory");
}

/// Another program holds the home for the time of one change: five seconds are a hundred of them.
const TRIES: u32 = 250;
const PAUSE: Duration = Duration::from_millis(20);

/// Writes a file that the person asked for.
fn save(path: &std::path::Path, data: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, data).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot write {}: {error}", path.display()))
}

/// Whether it was started to go on when its terminal is closed, as by `nohup`. Where the system does not tell, that is left
/// to it.
#[cfg(unix)]
fn outlives_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is that of signal 1, SIGHUP.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_none_or(|mask| mask & 1 != 0)
}

/// Waits for Ctrl-C, a request to end, or the end of the terminal.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            let mut hangup = if outlives_terminal() { None } else { signal(SignalKind::hangup()).ok() };
            let hung_up = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                _ = term.recv() => ended_by(15),
                _ = interrupt.recv() => ended_by(2),
                _ = hung_up => ended_by(1),
            }
            return;
        }
    }
    match tokio::signal::ctrl_c().await {
        Ok(()) => ended_by(2),
        Err(_) => pending().await,
    }
}
