//! `opendesk install-service`, `uninstall-service` and `service status`.

use core::time::Duration;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use opendesk_std::client::DEFAULT_PORT;
use opendesk_std::desktop::Backend;
use opendesk_std::home::printable;
use opendesk_std::host::status_of_running;
use opendesk_std::service::{Definition, HostCommand, Manager, Service, ServiceError, State};
use opendesk_tokio::Tokio;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Context;
use crate::args::{self, Approve, LogFormat, RuntimeName, Serve, ServiceCommand};
use crate::exit::Failure;
use crate::output;

/// How long a service that was started may take until it listens. One that waits for a desktop does not.
const STARTING: Duration = Duration::from_secs(5);

/// How often it is looked whether it does.
const POLL: Duration = Duration::from_millis(200);

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::failed(error.to_string())
    }
}

pub(super) async fn install(context: &Context, options: args::InstallService) -> Result<(), Failure> {
    let service = Service::here(&context.home)?;
    let command = command(context, &options.serve, service.manager())?;
    let definition = service.definition(&command)?;
    if options.dry_run {
        tell_definition(context.json, service.manager(), &definition);
        return Ok(());
    }
    let replaced = service.served_home().filter(|home| home != context.home.path());
    service.install(&definition, !options.no_start)?;
    if let Some(home) = &replaced {
        output::note(&format!("this replaces the service that served {}; there is one for each user", shown(home)));
    }
    if !service.manager().is_tried() {
        output::note("services of this system have never been tried: look whether it is started when you log in");
    }
    let started = if options.no_start { None } else { Some(started(context, &service).await?) };
    let result = json!({
        "manager": service.manager().word(),
        "path": service.path().display().to_string(),
        "replaced_home": replaced.as_ref().map(|home| home.display().to_string()),
        "started": started.is_some(),
        "pid": started.as_ref().and_then(|started| started.pid),
        "address": started.as_ref().and_then(|started| started.address.as_deref()),
    });
    output::result(context.json, &result, || {
        let now = match &started {
            None => format!("`{}` starts it now", service.to_start()),
            Some(Started { address: Some(address), .. }) => format!("it listens on {address}"),
            Some(Started { address: None, .. }) => {
                format!(
                    "it runs and does not listen yet; without a desktop it waits for one; see `{}`",
                    service.to_look()
                )
            }
        };
        format!("{} is written; the host starts whenever you log in\n{now}", shown(service.path()))
    });
    Ok(())
}

pub(super) async fn uninstall(context: &Context) -> Result<(), Failure> {
    let service = Service::here(&context.home)?;
    let removed = service.uninstall()?;
    let path = service.path();
    output::result(context.json, &json!({"removed": removed, "path": path.display().to_string()}), || {
        if removed {
            format!("the service is stopped and {} is removed", shown(path))
        } else {
            "no service is installed".to_owned()
        }
    });
    Ok(())
}

pub(super) async fn run(context: &Context, options: args::Service) -> Result<(), Failure> {
    let ServiceCommand::Status = options.command;
    let service = Service::here(&context.home)?;
    let state = service.state();
    let failure = match state.running {
        Some(true) => None,
        Some(false) if state.installed => Some(Failure::failed(format!(
            "the service does not run; `{}` starts it, `{}` shows what it said",
            service.to_start(),
            service.to_look()
        ))),
        Some(false) => Some(Failure::failed("no service runs; `opendesk install-service` installs and starts one")),
        None => Some(Failure::failed(format!("whether the service runs is not known: {}", state.said))),
    };
    let mut told = state_json(&service, &state);
    if let Some(failure) = &failure {
        told["exit_code"] = failure.number().into();
        told["error"] = failure.to_string().into();
    }
    output::result(context.json, &told, || lines(&service, &state).join("\n"));
    failure.map_or(Ok(()), |failure| Err(failure.told()))
}

/// The command by which the service starts a host as `serve` would with these options.
fn command(context: &Context, serve: &Serve, manager: Manager) -> Result<HostCommand, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("this program does not find its own path: {error}")))?;
    if !program.is_file() {
        let program = shown(&program);
        return Err(Failure::failed(format!("{program} is not there any more; run the program that took its place")));
    }
    Ok(HostCommand::new(&program, arguments(context, serve, manager)?)?)
}

/// What is not as it is without being said.
fn arguments(context: &Context, serve: &Serve, manager: Manager) -> Result<Vec<OsString>, Failure> {
    let Serve {
        port,
        host,
        backend,
        wire,
        approve,
        pause_on_local_input,
        no_notifications,
        no_mdns,
        no_audit,
        record,
        runtime,
        // It always does.
        wait_for_desktop: _,
    } = serve;
    if *approve == Approve::Console {
        return Err(Failure::usage("a service has no terminal to ask on; use --approve policy"));
    }
    if record.is_some() {
        return Err(Failure::usage(
            "a recording is of one run, and a service is started again and again; record with `opendesk serve --record`",
        ));
    }
    let mut words = Words(vec!["serve".into(), "--home".into(), context.home.path().into()]);
    words.option("--port", (*port != DEFAULT_PORT).then_some(port));
    words.option("--host", (!host.is_ipv4() || !host.is_unspecified()).then_some(host));
    words.option("--backend", (*backend != Backend::default()).then_some(backend));
    words.option("--wire", (*wire != 1).then_some(wire));
    words.option("--approve", (*approve != Approve::Auto).then(|| name(*approve)));
    words.option("--pause-on-local-input", *pause_on_local_input);
    words.flag("--no-notifications", *no_notifications);
    words.flag("--no-mdns", *no_mdns);
    words.flag("--no-audit", *no_audit);
    words.option("--runtime", (*runtime != RuntimeName::Tokio).then(|| name(*runtime)));
    words.flag("--wait-for-desktop", true);
    for _ in 0..context.verbose {
        words.flag("--verbose", true);
    }
    words.option("--log-format", (context.log_format != LogFormat::Human).then(|| name(context.log_format)));
    if let Some(file) = log_file(context, manager)? {
        words.0.extend(["--log-file".into(), file.into()]);
    }
    Ok(words.0)
}

/// The file to log into. Where nobody keeps what a service writes it has one in its home.
fn log_file(context: &Context, manager: Manager) -> Result<Option<PathBuf>, Failure> {
    let Some(file) = &context.log_file else {
        return Ok((!manager.keeps_output()).then(|| context.home.path().join("service.log")));
    };
    // The service has another working directory.
    let absolute = std::path::absolute(file);
    absolute.map(Some).map_err(|error| Failure::failed(format!("cannot use {}: {error}", shown(file))))
}

/// The words of a command line.
struct Words(Vec<OsString>);

impl Words {
    fn flag(&mut self, flag: &str, is_set: bool) {
        self.0.extend(is_set.then(|| flag.into()));
    }

    fn option(&mut self, option: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.extend([option.into(), value.to_string().into()]);
        }
    }
}

/// A value as it is written on the command line.
fn name(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn tell_definition(as_json: bool, manager: Manager, definition: &Definition) {
    let Definition { path, text, .. } = definition;
    let result = json!({"manager": manager.word(), "path": path.display().to_string(), "text": text});
    output::result(as_json, &result, || format!("{}:\n\n{}", shown(path), text.trim_end()));
}

/// A service that was seen to run.
struct Started {
    pid: Option<u32>,
    /// Where it listens, if it does already.
    address: Option<String>,
}

/// Waits until the service listens or some time has passed.
async fn started(context: &Context, service: &Service) -> Result<Started, Failure> {
    let begun = Instant::now();
    loop {
        let state = service.state();
        let status = status_of_running(&Tokio, &context.home).await;
        if let Ok(status) = status
            && state.pid.is_none_or(|pid| pid == status.pid)
        {
            return Ok(Started { pid: Some(status.pid), address: Some(status.address) });
        }
        if state.running != Some(true) {
            return Err(Failure::failed(format!(
                "the service is installed and does not run: {}; `{}` shows what it said",
                state.said,
                service.to_look()
            )));
        }
        if begun.elapsed() >= STARTING {
            return Ok(Started { pid: state.pid, address: None });
        }
        sleep(POLL).await;
    }
}

fn state_json(service: &Service, state: &State) -> Value {
    json!({
        "manager": service.manager().word(),
        "path": service.path().display().to_string(),
        "command": service.command_line(),
        "installed": state.installed,
        "enabled": state.enabled,
        "running": state.running,
        "pid": state.pid,
        "since": state.since,
        "state": state.said,
    })
}

/// What there is to tell besides that it does not run.
fn lines(service: &Service, state: &State) -> Vec<String> {
    let mut lines = Vec::new();
    let path = shown(service.path());
    lines.push(if state.installed {
        format!("installed: {path}")
    } else {
        format!("not installed: there is no {path}")
    });
    lines.extend(service.command_line().map(|line| format!("command: {}", printable(&line))));
    lines.push(match state.enabled {
        Some(true) => "started at login: yes".to_owned(),
        Some(false) => "started at login: no".to_owned(),
        None => "started at login: not known".to_owned(),
    });
    // Why it is not known is the failure.
    let mut now =
        if state.running.is_none() { "state: not known".to_owned() } else { format!("state: {}", state.said) };
    if let Some(pid) = state.pid {
        now.push_str(&format!(", process {pid}"));
    }
    if let Some(since) = state.since.and_then(time) {
        now.push_str(&format!(", since {since}"));
    }
    lines.push(now);
    lines
}

/// A time of day as a person reads it.
fn time(seconds: u64) -> Option<String> {
    let time = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn shown(path: &Path) -> String {
    printable(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use opendesk_std::home::Home;

    use super::*;
    use crate::args::{Args, Command};

    fn context(folder: &Path) -> Context {
        let home = Home::open(Some(folder.join("a home"))).expect("a new home");
        Context { home, json: false, verbose: 0, log_format: LogFormat::Human, log_file: None }
    }

    fn parsed(words: &[&str]) -> Serve {
        let words = ["opendesk", "install-service"].iter().chain(words);
        match Args::try_parse_from(words).expect("a right command line").command {
            Command::InstallService(options) => options.serve,
            other => panic!("{other:?}"),
        }
    }

    fn text(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_what_is_said_is_passed_on() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        let words = arguments(&context, &parsed(&[]), Manager::Systemd).unwrap();
        assert_eq!(text(&words), format!("serve --home {} --wait-for-desktop", context.home.path().display()));
    }

    #[test]
    fn every_option_comes_back_as_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let context = Context {
            verbose: 2,
            log_format: LogFormat::Json,
            log_file: Some(folder.path().join("the log")),
            ..context(folder.path())
        };
        for given in [
            &[][..],
            &["--port", "9000", "--host", "192.0.2.1", "--backend", "virtual", "--wire", "2", "--approve", "policy"],
            &["--pause-on-local-input", "30", "--no-notifications", "--no-audit", "--runtime", "smol"],
            &["--host", "::", "--no-mdns"],
            &["--host", "127.0.0.1", "--port", "0"],
        ] {
            let given = parsed(given);
            let words = arguments(&context, &given, Manager::Systemd).unwrap();
            let again = Args::try_parse_from([OsString::from("opendesk")].into_iter().chain(words)).unwrap();
            assert_eq!((again.verbose, again.log_format), (2, LogFormat::Json));
            assert_eq!(
                (again.home.as_deref(), again.log_file.as_ref()),
                (Some(context.home.path()), context.log_file.as_ref())
            );
            let Command::Serve(again) = again.command else { panic!("{:?}", again.command) };
            assert!(again.wait_for_desktop);
            let expected = Serve { wait_for_desktop: true, ..given };
            assert_eq!(format!("{again:?}"), format!("{expected:?}"));
        }
    }

    #[test]
    fn what_a_service_cannot_do_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        for (given, hint) in [(["--approve", "console"], "--approve policy"), (["--record", "file"], "serve --record")]
        {
            let failure = arguments(&context, &parsed(&given), Manager::Systemd).unwrap_err();
            assert_eq!(failure.number(), 2);
            assert!(failure.to_string().contains(hint), "{failure}");
        }
    }

    #[test]
    fn a_log_has_an_absolute_path_and_where_nobody_keeps_one_there_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let context = context(folder.path());
        assert_eq!(log_file(&context, Manager::Systemd).unwrap(), None);
        let own = context.home.path().join("service.log");
        for manager in [Manager::TaskScheduler, Manager::Launchd] {
            assert_eq!(log_file(&context, manager).unwrap().as_ref(), Some(&own), "{manager:?}");
        }
        let relative = Context { log_file: Some("log".into()), ..context };
        let absolute = std::env::current_dir().unwrap().join("log");
        assert_eq!(log_file(&relative, Manager::TaskScheduler).unwrap(), Some(absolute));
    }
}
