//! `opendesk exec`: a command on another machine, as if it ran here.

mod feed;
mod show;

use core::pin::pin;
use core::time::Duration;

use opendesk_core::{ErrorCode, Reason};
use opendesk_std::api::{
    CommandEnd, CommandId, CommandOutput, CommandSignal, ExecParams, OutputParams, ProcessExec, ProcessOutput,
    ProcessSignal, ProcessStart, SignalParams, StartParams, SystemCapabilities, WORDS,
};
use opendesk_std::client::{self, ClientError};
use opendesk_std::desktop::Backend;
use opendesk_std::home::printable;
use opendesk_std::tools::{Session, SessionStream, Target, ToolError};

use self::feed::feed;
use self::show::Screen;
use super::{Context, close, interrupted, session};
use crate::args;
use crate::exit::Failure;

/// What `--help` says below the options.
pub(crate) const HELP: &str = "\
What the command writes appears at once, byte for byte as it is, escape sequences for the terminal
included. It leads a process group of its own there, and has no terminal. Ctrl-C interrupts it and
ends it after two seconds; it also ends when the connection does, which another opendesk of this
home may hold, when the owner of the machine says stop, and when nobody reads what it writes. A
machine that speaks version 1 gives all output in the end, 1 MiB of each stream.

It gets standard input where that is no terminal, or with --stdin. Where the owner of the machine is
asked about commands, they are asked about each part of its input too.

With --json each part of the output is a line, {\"stream\": \"stdout\", \"text\": …}, with \"base64\"
instead of \"text\" where it is none; the last line is {\"exit_code\": …, \"signal\": …, \"timed_out\":
…, \"duration\": …}.

Exit codes:
  0 to 255  the command's own
  128+N     it was ended by signal N there
  124       it was killed because of --timeout
  127       there is no such program or folder there
  130       interrupted
  141       nobody reads what it writes any more
Where opendesk itself fails, its own codes, which `opendesk --help` lists, and one line on standard
error that begins with `opendesk: `.";

/// How much may be on its way here: a few round trips' worth.
const CREDIT: u32 = 1 << 20;

/// How long a command may take to end after it was interrupted.
const GRACE: Duration = Duration::from_secs(2);

/// A time that is no limit: a year.
pub(super) const FOREVER: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Where the exit code stands for a command that was killed because its time was over, as timeout(1) has it.
const TIMED_OUT: u8 = 124;

/// The same for one that is not there, as shells have it.
const NOT_FOUND: u8 = 127;

pub(super) async fn run(context: &Context, options: args::Exec) -> Result<(), Failure> {
    let session = session(&context.home, Backend::Auto);
    let done = carry_out(&session, Screen::new(context.json), &options).await;
    // The machine ends what still runs.
    close(&session).await;
    done
}

async fn carry_out(session: &Session, screen: Screen, options: &args::Exec) -> Result<(), Failure> {
    let target = session.target(options.peer.as_deref())?;
    let words = options.command.len();
    if words > WORDS {
        let advice = "give the rest on standard input, for example to `xargs`";
        return Err(Failure::usage(format!("the command has {words} words and at most {WORDS} are taken; {advice}")));
    }
    if target == Target::Local {
        return Err(Failure::usage("commands are run on a paired machine; name one, or see `opendesk pair-with`"));
    }
    let capabilities = tokio::select! {
        manifest = session.call::<SystemCapabilities>(&target, &()) => manifest?.capabilities,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    let can = |what: &str| capabilities.iter().any(|capability| capability == what);
    let end = if can("process.stream") {
        live(session, &target, screen, options).await?
    } else if can("process.spawn") {
        whole(session, &target, screen, options).await?
    } else {
        return Err(Failure::failed(format!("{} runs no commands for controllers", printable(target.name()))));
    };
    outcome(end, screen, options)
}

/// Runs it and shows what it writes at once.
async fn live(session: &Session, target: &Target, screen: Screen, options: &args::Exec) -> Result<CommandEnd, Failure> {
    let stdin = feed::is_wanted(options);
    let params = StartParams {
        argv: options.command.clone(),
        timeout: options.timeout,
        cwd: options.cwd.clone(),
        env: options.env.clone(),
        stdin,
    };
    let start = async {
        let id = session.call::<ProcessStart>(target, &params).await.map_err(not_started)?.id;
        Ok::<_, Failure>((id, session.subscribe::<ProcessOutput>(target, &OutputParams { id }, CREDIT).await?))
    };
    let mut interrupt = pin!(interrupted());
    let (id, mut output) = tokio::select! {
        started = start => started?,
        () = &mut interrupt => return Err(Failure::interrupted()),
    };
    let mut shown = pin!(show_all(&mut output, screen));
    let mut fed = pin!(feed(session, target, id, stdin));
    let mut feeds = true;
    loop {
        tokio::select! {
            end = &mut shown => return end,
            fed = &mut fed, if feeds => {
                fed?;
                feeds = false;
            }
            () = &mut interrupt => break,
        }
    }
    tokio::select! {
        // What it says to that is shown, and then it is over in any case.
        _ = async { tokio::join!(interrupt_it(session, target, id), shown) } => {}
        () = tokio::time::sleep(GRACE) => {}
        () = interrupted() => {}
    }
    Err(Failure::interrupted())
}

async fn interrupt_it(session: &Session, target: &Target, id: CommandId) {
    let params = SignalParams { id, signal: CommandSignal::Interrupt };
    if let Err(error) = session.call_within::<ProcessSignal>(target, &params, GRACE).await {
        tracing::info!(%error, "the command was not interrupted; it ends with the session");
    }
}

async fn show_all(output: &mut SessionStream<ProcessOutput>, screen: Screen) -> Result<CommandEnd, Failure> {
    loop {
        let part = match output.next().await {
            Some(Ok(part)) => part,
            Some(Err(ClientError::Call(error))) if error.code == ErrorCode::NotFound => {
                // It was begun, so the session that began it is gone.
                return Err(lost());
            }
            Some(Err(ClientError::Closed(Reason::LOST | Reason::SILENT))) => return Err(lost()),
            Some(Err(error)) => return Err(error.into()),
            None => return Err(Failure::failed("the machine did not tell how the command ended")),
        };
        let end = part.ended;
        screen.show(part).await?;
        if let Some(end) = end {
            return Ok(end);
        }
    }
}

fn lost() -> Failure {
    Failure::from(ClientError::Closed(Reason::LOST))
        .with_message("the connection was lost; the machine ends the command when it notices")
}

/// Runs it where output comes in the end.
async fn whole(
    session: &Session,
    target: &Target,
    screen: Screen,
    options: &args::Exec,
) -> Result<CommandEnd, Failure> {
    let limit = options.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let limit = limit.map_or(FOREVER, |limit| limit.saturating_add(client::CALL).min(FOREVER));
    let execute = async {
        let params = ExecParams {
            argv: options.command.clone(),
            timeout: options.timeout,
            cwd: options.cwd.clone(),
            env: options.env.clone(),
            stdin: feed::all(options).await?,
            partial: true,
        };
        let called = session.call_within::<ProcessExec>(target, &params, limit).await;
        let done = match called {
            Err(error) if is_call(&error, ErrorCode::Timeout) => {
                let end = CommandEnd { returncode: -9, timed_out: true, duration: options.timeout.unwrap_or_default() };
                return Ok(end);
            }
            called => called.map_err(not_started)?,
        };
        let end = CommandEnd { returncode: done.returncode, timed_out: done.timed_out, duration: done.duration };
        screen.show(CommandOutput { stdout: done.stdout, stderr: done.stderr, ended: None }).await?;
        Ok(end)
    };
    tokio::select! {
        ended = execute => ended,
        () = interrupted() => Err(Failure::interrupted()),
    }
}

fn is_call(error: &ToolError, code: ErrorCode) -> bool {
    matches!(error, ToolError::Peer { error: ClientError::Call(error), .. } if error.code == code)
}

fn not_started(error: ToolError) -> Failure {
    let is_missing = is_call(&error, ErrorCode::NotFound);
    let failure = Failure::from(error);
    if is_missing { failure.with_code(NOT_FOUND) } else { failure }
}

fn outcome(end: CommandEnd, screen: Screen, options: &args::Exec) -> Result<(), Failure> {
    let code = exit_code(end);
    screen.close(end, code);
    match code {
        0 => Ok(()),
        TIMED_OUT if end.timed_out => {
            let seconds = options.timeout.unwrap_or_default();
            let text = format!("the command did not end within {seconds} s and was killed; --timeout gives it longer");
            Err(Failure::failed(text).with_code(TIMED_OUT).told())
        }
        code => Err(Failure::of_command(code)),
    }
}

/// What a shell would say of it.
fn exit_code(end: CommandEnd) -> u8 {
    if end.timed_out {
        return TIMED_OUT;
    }
    let code = if end.returncode < 0 {
        128_u32.saturating_add(end.returncode.unsigned_abs())
    } else {
        end.returncode.unsigned_abs()
    };
    match u8::try_from(code & 0xff) {
        // No failure becomes a success by being cut.
        Ok(0) | Err(_) if code != 0 => 1,
        Ok(code) => code,
        Err(_) => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_what_a_shell_would_say() {
        let end = |returncode, timed_out| exit_code(CommandEnd { returncode, timed_out, duration: 0.0 });
        for (returncode, code) in
            [(0, 0), (1, 1), (255, 255), (256, 1), (257, 1), (-2, 130), (-9, 137), (-15, 143), (i32::MIN, 128)]
        {
            assert_eq!(end(returncode, false), code, "{returncode}");
        }
        assert_eq!(end(-9, true), 124);
    }
}
