//! The program `opendesk` as a person starts it: the built binary, a home of its own, and nothing else of the
//! environment but `PATH`.

use core::net::SocketAddr;
use core::time::Duration;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Instant;
use std::{env, thread};

use tempfile::TempDir;

use crate::desktop::{PATIENCE, POLL, create, end, has_ended, spawned, text, wait};

/// What the controller calls the host that it was paired with.
pub const PEER: &str = "desk";

const CODE: &str = "482913";

/// The path of the binary under test: `$OPENDESK_BIN`, or the one of the profile that the test itself was built with,
/// brought up to date first.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn opendesk() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("OPENDESK_BIN").map_or_else(build, PathBuf::from))
}

/// Tests of this package do not make cargo build the binary of another, so it is asked to here, with the features that the
/// whole workspace asks of its libraries, a few more than the program that is released has: with those they are built
/// already. The test is `…/target/PROFILE/deps/NAME`.
fn build() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    let above: Vec<&Path> = test.ancestors().skip(1).collect();
    let [deps, folder, target, ..] = above.as_slice() else {
        panic!("{} is not where cargo puts tests; set OPENDESK_BIN to the binary under test", test.display())
    };
    assert!(deps.ends_with("deps"), "{} is not where cargo puts tests; set OPENDESK_BIN", test.display());
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(["build", "--quiet", "--locked", "--workspace", "--bin", "opendesk"])
        .args(["--profile", profile, "--target-dir"])
        .arg(target);
    let built = build.output().expect("cargo starts");
    assert!(built.status.success(), "{build:?}: {}", String::from_utf8_lossy(&built.stderr));
    folder.join("opendesk")
}

/// The program with these arguments and this home.
#[must_use]
pub fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(opendesk());
    command
        .args(args)
        .arg("--home")
        .arg(home)
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()))
        .env("HOME", home)
        // Whoever is on the network of the machine that runs the tests has no part in them.
        .env("OPENDESK_MDNS", "off")
        .stdin(Stdio::null());
    command
}

/// The same program behind others, such as `sh -c …`, `setsid` or a terminal: with its environment and its folder, and
/// without an input.
///
/// # Panics
/// Never: there is the program itself.
#[must_use]
pub fn behind(front: &[&str], program: &Command) -> Command {
    let mut words = front.iter().map(OsStr::new).chain([program.get_program()]).chain(program.get_args());
    let mut command = Command::new(words.next().expect("the program itself"));
    command.args(words).env_clear().stdin(Stdio::null());
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    command
}

/// A program that runs, and what it has written. It is ended when the value is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// The command, for messages.
    line: String,
    output: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Running {
    /// Starts a program. Files take what it writes: a pipe that nobody reads would stop it.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        let output = tempfile::tempdir().expect("a temporary directory");
        let file = |name: &str| -> File { create(&output.path().join(name)) };
        let child = spawned(command.stdout(file("stdout")).stderr(file("stderr")));
        Self { child, line: format!("{command:?}"), output }
    }

    /// Writes a line to its standard input, which the command has piped.
    ///
    /// # Panics
    /// When it does not read it.
    pub fn say(&mut self, line: &str) {
        self.type_in(&format!("{line}\n"));
    }

    /// Writes this to its standard input, which the command has piped: no more and no line end.
    ///
    /// # Panics
    /// When it does not read it.
    pub fn type_in(&mut self, text: &str) {
        let input = self.child.stdin.as_mut().expect("its standard input is piped");
        input.write_all(text.as_bytes()).and_then(|()| input.flush()).expect("it reads");
    }

    /// Closes its standard input, which the command has piped.
    pub fn hang_up(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for a line of its standard output that this accepts, and gives what it made of it.
    ///
    /// # Panics
    /// When it ends without one, or takes longer than half a minute.
    pub fn hear<T>(&mut self, accept: impl FnMut(&str) -> Option<T>) -> T {
        self.hear_of(Self::stdout, accept)
    }

    fn hear_of<T>(&mut self, written: fn(&Self) -> String, mut accept: impl FnMut(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let ended = has_ended(&mut self.child);
            let written = written(self);
            let complete = written.rsplit_once('\n').map_or("", |(complete, _)| complete);
            if let Some(accepted) = complete.lines().find_map(&mut accept) {
                return accepted;
            }
            if ended || start.elapsed() >= PATIENCE {
                let why = if ended { "ended" } else { "took too long" };
                panic!("{}: {why} before it wrote what was expected: {written}{}", self.line, self.stderr());
            }
            thread::sleep(POLL);
        }
    }

    /// As [`hear`](Self::hear), of its standard error.
    ///
    /// # Panics
    /// As `hear`.
    pub fn hear_error<T>(&mut self, accept: impl FnMut(&str) -> Option<T>) -> T {
        self.hear_of(Self::stderr, accept)
    }

    /// What it has written to its standard output.
    #[must_use]
    pub fn stdout(&self) -> String {
        text(&self.output.path().join("stdout"))
    }

    /// What it has written to its standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        text(&self.output.path().join("stderr"))
    }

    /// Waits for the first line of its standard output.
    ///
    /// # Panics
    /// When it ends without one, or takes longer than half a minute.
    pub fn first_line(&mut self) -> String {
        let start = Instant::now();
        loop {
            let ended = has_ended(&mut self.child);
            if let Some((line, _)) = self.stdout().split_once('\n') {
                return line.to_owned();
            }
            if ended || start.elapsed() >= PATIENCE {
                let why = if ended { "ended" } else { "took too long" };
                panic!("{}: {why} before it wrote a line: {}{}", self.line, self.stdout(), self.stderr());
            }
            thread::sleep(POLL);
        }
    }
    /// The number of the process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name, such as `INT`.
    ///
    /// # Panics
    /// When there is no `kill`.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status().expect("kill starts");
        assert!(sent.success(), "{}: signal {name}", self.line);
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it runs for longer than this.
    #[must_use]
    pub fn finish(mut self, limit: Duration) -> Finished {
        let status = wait(&mut self.child, limit);
        let (stdout, stderr) = (self.stdout(), self.stderr());
        let Some(status) = status else {
            panic!("{} ran for longer than {limit:?}; it wrote:\n{stdout}\n{stderr}", self.line)
        };
        Finished { status, stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// `opendesk serve` on a free port of this machine; it ends with the value.
#[derive(Debug)]
pub struct Served {
    running: Running,
    home: PathBuf,
    address: SocketAddr,
}

impl Served {
    /// Starts a host with this home and `--backend`, and waits until it listens. `environment` is added to what it
    /// sees, such as the `DISPLAY` of the x11 backend.
    ///
    /// # Panics
    /// When it does not come to listen.
    #[must_use]
    pub fn start(home: &Path, backend: &str, environment: &[(&str, &str)]) -> Self {
        Self::start_with(home, backend, &[], environment)
    }

    /// The same, with more arguments.
    ///
    /// # Panics
    /// When it does not come to listen.
    #[must_use]
    pub fn start_with(home: &Path, backend: &str, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let args = ["serve", "--host", "127.0.0.1", "--port", "0", "--no-mdns", "--backend", backend];
        let mut command = command(home, &[&args, more].concat());
        command.envs(environment.iter().copied());
        let mut running = Running::start(command);
        let line = running.first_line();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        let address = address.unwrap_or_else(|| panic!("`opendesk serve` wrote {line:?}; {}", running.stderr()));
        Self { running, home: home.to_owned(), address }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.running.process()
    }

    /// What it has told its owner.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.running.stderr()
    }

    /// Pairs a controller's home with the host; the controller calls it [`PEER`].
    ///
    /// # Panics
    /// When one of the two commands fails.
    pub fn pair(&self, controller: &Path) {
        let mut shown = Running::start(command(&self.home, &["pair", "--code", CODE, "--timeout", "60"]));
        // The first line is the code: from now on the host takes it.
        let code = shown.first_line();
        assert!(code.contains(CODE), "{code}");
        let port = self.address.port().to_string();
        let args = ["pair-with", "127.0.0.1", CODE, "--port", &port, "--name", PEER];
        let paired = Running::start(command(controller, &args)).finish(PATIENCE);
        assert!(paired.status.success(), "opendesk {args:?}: {paired:?}; the host: {}", self.stderr());
        let shown = shown.finish(PATIENCE);
        assert!(shown.status.success(), "opendesk pair: {shown:?}; the host: {}", self.stderr());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_heard_while_it_runs_and_ended_with_its_value() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; echo two >&2; exec sleep 600"]);
        let mut running = Running::start(shell);
        assert_eq!(running.first_line(), "one");
        let process = running.child.id();
        drop(running);
        assert!(!Path::new(&format!("/proc/{process}")).exists());
    }

    #[test]
    fn the_end_of_a_program_is_told_with_all_it_wrote() {
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo out; echo err >&2; exit 3"]);
        let finished = Running::start(shell).finish(PATIENCE);
        assert_eq!(finished.status.code(), Some(3));
        assert_eq!((finished.stdout.as_str(), finished.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_host_is_paired_over_its_real_socket() {
        let folder = tempfile::tempdir().unwrap();
        let host = Served::start(&folder.path().join("host"), "virtual", &[]);
        let controller = folder.path().join("controller");
        host.pair(&controller);
        let listed = Running::start(command(&controller, &["peers"])).finish(PATIENCE);
        assert!(listed.status.success() && listed.stdout.starts_with(PEER), "{listed:?}");
    }
}
