//! What there is for Windows, run under Wine: a host with its desktop, driven by a controller on Linux, and asked by programs
//! of its own through the named pipe. Wine is not Windows, and what is seen here is not seen there.

use core::time::Duration;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::Instant;

use crate::build_std;
use crate::command::{Failure, Outcome, Repo, capture, read, run};
use crate::setup;

const TARGET: &str = "x86_64-pc-windows-gnu";

const PACKAGES: [&str; 9] = [
    build_std::PACKAGES[0],
    build_std::PACKAGES[1],
    "gcc-mingw-w64-x86-64",
    "wine",
    "wine64",
    "xvfb",
    "openbox",
    "xdotool",
    "xclip",
];

/// Two objects that other compilers come with begin and end tables that 32-bit programs have, and are empty here.
const LINKER: &str = "#!/bin/bash
words=()
for word in \"$@\"; do case $word in *rsbegin.o|*rsend.o) ;; *) words+=(\"$word\");; esac; done
exec x86_64-w64-mingw32-gcc \"${words[@]}\"
";

/// A library of Windows 10 that Debian's Wine has not got: random numbers.
const RANDOM: &str = "#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length) {
    return SystemFunction036(data, (ULONG)length);
}
";

/// The home of the host, on Wine's first disk.
const HOST: &str = r"C:\opendesk\host";

/// That of a controller there.
const CONTROLLER: &str = r"C:\opendesk\controller";

/// What a client of MCP says until it has clicked.
const FIRST_CALL: &str = concat!(
    r#"{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "#,
    r#""capabilities": {}, "clientInfo": {"name": "ci", "version": "1"}}}"#,
    "\n",
    r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#,
    "\n",
    r#"{"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "mouse", "#,
    r#""arguments": {"action": "click", "x": 300, "y": 300}}}"#,
    "\n",
);

/// How long anything may take that is waited for, and after which it is ended.
const PATIENCE: Duration = Duration::from_secs(120);

const TYPED: &str = "Hello, Büro 日本";
const WRITTEN: &str = "written, 日本";

pub(crate) fn windows(repo: &Repo) -> Outcome {
    setup::need(repo, &PACKAGES)?;
    let folder = repo.target.join("windows");
    build(repo, &folder)?;
    run(repo.cargo().args(["build", "--locked", "--package", "opendesk"]))?;
    let stage = Stage::set(repo, &folder)?;
    stage.play()?;
    Ok(None)
}

fn build(repo: &Repo, folder: &Path) -> Result<(), Failure> {
    let linker = build_std::script(folder, "mingw-gcc", LINKER).map_err(Failure::at(folder))?;
    let mut cargo = build_std::cargo(repo, "build", TARGET, folder);
    cargo
        .args(["-Z", "build-std=std,panic_unwind", "--package", "opendesk", "--package", "opendesk-smol"])
        // It is run once.
        .args(["--config", "profile.dev.package.\"*\".opt-level=0", "--config", "profile.dev.debug=false"])
        .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", &linker);
    run(&mut cargo)
}

/// A process that ends with this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already is as good.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// An X server with a window manager, and Wine on it.
struct Stage<'a> {
    repo: &'a Repo,
    folder: PathBuf,
    display: String,
    /// In this order they end.
    _manager: Running,
    _server: Running,
}

impl<'a> Stage<'a> {
    fn set(repo: &'a Repo, folder: &Path) -> Result<Self, Failure> {
        let folder = folder.join("run");
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).map_err(Failure::at(&folder))?;
        let program = folder.join("opendesk.exe");
        let built = folder.with_file_name(TARGET).join("debug/opendesk.exe");
        fs::copy(&built, &program).map_err(Failure::at(&built))?;
        let source = folder.join("random.c");
        fs::write(&source, RANDOM).map_err(Failure::at(&source))?;
        let mut compiler = repo.program("x86_64-w64-mingw32-gcc");
        run(compiler.arg("-shared").arg("-o").arg(folder.join("bcryptprimitives.dll")).arg(source).arg("-ladvapi32"))?;

        let mut server = repo.program("Xvfb");
        server.args(["-displayfd", "1", "-screen", "0", "1024x768x24", "-nolisten", "tcp"]);
        let (server, mut told) = started(&mut server)?;
        let display = format!(":{}", line_with(&mut told, "")?.trim());
        let mut manager = repo.program("openbox");
        manager.env("DISPLAY", &display).stdout(Stdio::null()).stderr(Stdio::null());
        let manager = manager.spawn().map_err(|error| Failure::new(format!("openbox: {error}")))?;
        let stage = Self { repo, folder, display, _manager: Running(manager), _server: server };
        run(stage.program("wineboot").arg("--init"))?;
        Ok(stage)
    }

    /// A program of Wine.
    fn program(&self, name: &str) -> Command {
        let mut command = patient(self.repo, name);
        command.current_dir(&self.folder).env("WINEPREFIX", self.folder.join("wine")).env("WINEDEBUG", "-all");
        command.env("DISPLAY", &self.display).env("OPENDESK_MDNS", "off");
        command
    }

    /// The program for Windows.
    fn there(&self, home: &str, words: &[&str]) -> Command {
        let mut command = self.program("wine");
        command.arg("opendesk.exe").args(words).args(["--home", home]);
        command
    }

    /// The program for Linux, as a controller.
    fn here(&self, words: &[&str]) -> Command {
        let mut command = patient(self.repo, self.repo.target.join("debug/opendesk"));
        command.arg("--home").arg(self.folder.join("controller")).args(words).env("OPENDESK_MDNS", "off");
        command
    }

    /// The text on the clipboard, as programs beside Wine see it.
    fn clipboard(&self) -> Result<String, Failure> {
        let mut paste = patient(self.repo, "xclip");
        read(paste.args(["-out", "-selection", "clipboard", "-target", "UTF8_STRING"]).env("DISPLAY", &self.display))
    }

    /// Pairs a controller, which calls the host `host`, and gives what the host calls it.
    fn pair(&self, port: &str, controller: impl Fn(&[&str]) -> Command) -> Result<String, Failure> {
        let (_pairing, mut told) = started(&mut self.there(HOST, &["pair"]))?;
        let code = line_with(&mut told, "pairing code: ")?;
        let code = code.trim().trim_start_matches("pairing code: ");
        read(&mut controller(&["pair-with", "127.0.0.1", code, "--port", port, "--name", "host"]))?;
        let name = line_with(&mut told, "paired with ")?;
        line_with(&mut told, "its screen shows the same words")?;
        Ok(name.trim().trim_start_matches("paired with ").to_owned())
    }

    /// How many sessions a controller has had.
    fn sessions(&self, name: &str) -> Result<usize, Failure> {
        let log = read(&mut self.there(HOST, &["audit", "--json", "--peer", name, "--limit", "1000"]))?;
        Ok(log.lines().filter(|line| line.contains("session.opened")).count())
    }

    /// Two programs of one controller have one session, which the first lends by a pipe.
    fn share(&self, port: &str) -> Result<(), Failure> {
        let name = self.pair(port, |words| self.there(CONTROLLER, words))?;
        let before = self.sessions(&name)?;
        let mut server = self.there(CONTROLLER, &["mcp"]);
        let (mut server, mut told) = started(server.stdin(Stdio::piped()))?;
        let mut input = server.0.stdin.take().ok_or_else(|| Failure::new("the MCP server reads nothing"))?;
        input.write_all(FIRST_CALL.as_bytes()).map_err(|error| Failure::new(error.to_string()))?;
        has(&line_with(&mut told, r#""id":2"#)?, "Done: click")?;
        read(&mut self.there(CONTROLLER, &["click", "310", "310"]))?;
        let after = self.sessions(&name)?;
        // They have one more than before; the first of all was that of the pairing.
        if after != before + 1 {
            return Err(Failure::new(format!("two programs of one controller had {} sessions", after - before)));
        }
        drop(server);
        Ok(())
    }

    fn play(&self) -> Result<(), Failure> {
        let (host, mut told) =
            started(&mut self.there(HOST, &["serve", "--host", "127.0.0.1", "--port", "0", "--no-mdns"]))?;
        let listening = line_with(&mut told, "listening on ")?;
        let port = listening.trim().rsplit(':').next().unwrap_or_default().to_owned();
        has(&read(&mut self.there(HOST, &["status"]))?, "desktop windows, approve auto")?;

        self.pair(&port, |words| self.here(words))?;

        let notepad = self.program("wine").arg("notepad.exe").stdout(Stdio::null()).spawn();
        let notepad = Running(notepad.map_err(|error| Failure::new(format!("notepad: {error}")))?);
        let mut search = patient(self.repo, "xdotool");
        search.args(["search", "--sync", "--onlyvisible", "--name", "Notepad"]).env("DISPLAY", &self.display);
        read(&mut search)?;
        read(&mut self.here(&["click", "300", "300"]))?;
        read(&mut self.here(&["type", TYPED]))?;
        for key in ["a", "c"] {
            let keys = format!(r#"{{"action": "hotkey", "keys": ["ctrl", "{key}"]}}"#);
            read(&mut self.here(&["call", "keyboard", &keys]))?;
        }
        eventually(|| has(&self.clipboard()?, TYPED))?;
        let write = format!(r#"{{"action": "write", "text": "{WRITTEN}"}}"#);
        read(&mut self.here(&["call", "clipboard", &write]))?;
        eventually(|| has(&self.clipboard()?, WRITTEN))?;
        let picture = self.folder.join("desktop.png");
        let taken = read(self.here(&["screenshot", "--out"]).arg(&picture))?;
        has(&taken, "1024x768 pixels")?;
        drop(notepad);

        self.share(&port)?;
        has(&capture(&mut self.here(&["exec", "host", "--", "cmd"]))?.stderr, "runs no commands for controllers")?;
        read(&mut self.there(HOST, &["stop"]))?;
        let refused = capture(&mut self.here(&["click", "300", "300"]))?;
        if refused.code != Some(5) {
            return Err(Failure::new(format!("a click after `opendesk stop` ended with {:?}", refused.code)));
        }
        let log = read(&mut self.there(HOST, &["audit", "verify"]))?;
        has(&log, "all signed, as they were written")?;
        println!("a host under Wine was driven, stopped, and its log holds");
        drop(host);
        Ok(())
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        // Whatever of Windows still runs there.
        drop(self.program("wineserver").arg("--kill").status());
    }
}

/// A program that is ended when it takes too long.
fn patient(repo: &Repo, name: impl AsRef<OsStr>) -> Command {
    let mut command = repo.program("timeout");
    command.arg("--kill-after=5").arg(PATIENCE.as_secs().to_string()).arg(name);
    command
}

/// Starts a program whose output is read line by line.
fn started(command: &mut Command) -> Result<(Running, BufReader<ChildStdout>), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::new(format!("{name} does not start: {error}")))?;
    let output = child.stdout.take();
    let running = Running(child);
    let output = output.ok_or_else(|| Failure::new(format!("{name} says nothing")))?;
    Ok((running, BufReader::new(output)))
}

/// The next line that holds this. The end of the program ends the search.
fn line_with(output: &mut BufReader<ChildStdout>, part: &str) -> Result<String, Failure> {
    let mut line = String::new();
    loop {
        line.clear();
        let read = output.read_line(&mut line).map_err(|error| Failure::new(error.to_string()))?;
        if read == 0 {
            return Err(Failure::new(format!("a program ended without saying {part:?}")));
        }
        if line.contains(part) {
            return Ok(line);
        }
    }
}

fn has(text: &str, part: &str) -> Result<(), Failure> {
    if text.contains(part) { Ok(()) } else { Err(Failure::new(format!("{part:?} is not in what was said:\n{text}"))) }
}

/// Until it holds, or the time is over.
fn eventually(holds: impl Fn() -> Result<(), Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    loop {
        match holds() {
            Err(_) if begun.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(200)),
            done => return done,
        }
    }
}
