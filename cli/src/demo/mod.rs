//! `opendesk demo`: the main job in one command. A host and two controllers with homes of their own, over loopback.

mod agent;
mod stage;
mod transcript;

use core::time::Duration;
use std::path::Path;

use opendesk_std::home::Home;
use opendesk_std::tools::{OnRuntime, Session};
use opendesk_tokio::{ConnectOptions, HostHandle, HostOptions, Notice, PairOptions, Tokio};
use serde_json::json;

use self::agent::Agent;
use self::stage::Stage;
use self::transcript::Transcript;
use crate::args;
use crate::exit::Failure;
use crate::output;

/// What the agent types.
const SENTENCE: &str = "An agent typed this: grüße aus der Ferne.";

pub(crate) async fn run(options: args::Demo, json: bool) -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::failed(format!("no temporary directory: {error}")))?;
    std::fs::create_dir_all(&options.out)
        .map_err(|error| Failure::failed(format!("cannot create {}: {error}", options.out.display())))?;
    let mut transcript = Transcript::new(json);
    let homes = Homes::new(folder.path())?;
    let stage = Stage::open(options.backend)?;
    transcript.say("desktop", &format!("a {} desktop, {}", stage.name(), stage.describe()));

    let server = opendesk_tokio::serve(HostOptions::new(homes.host.clone(), stage.computer()))?;
    let (address, handle, notices) = (server.local_addr(), server.handle(), server.notices());
    let running = tokio::spawn(server.run());
    transcript.say("host", &format!("listening on {address}"));

    let played = play(&mut transcript, &homes, &stage, &options.out, address.port(), &handle, &notices).await;
    handle.stop();
    running.await.map_err(|error| Failure::failed(format!("the host failed: {error}")))?;
    played?;
    keep_audit(&mut transcript, &homes.host, &options.out)?;
    let out = options.out.display().to_string();
    let done = json!({"ok": true, "steps": transcript.steps(), "out": out});
    output::result(json, &done, || format!("\nAll of it happened. Pictures and audit log are in {out}."));
    Ok(())
}

struct Homes {
    host: Home,
    controller: Home,
    second: Home,
}

impl Homes {
    fn new(folder: &Path) -> Result<Self, Failure> {
        let open = |name: &str| Home::open(Some(folder.join(name)));
        Ok(Self { host: open("host")?, controller: open("controller")?, second: open("second")? })
    }
}

async fn play(
    transcript: &mut Transcript,
    homes: &Homes,
    stage: &Stage,
    out: &Path,
    port: u16,
    handle: &HostHandle,
    notices: &async_channel::Receiver<Notice>,
) -> Result<(), Failure> {
    pair(transcript, "controller", &homes.controller, port, handle, notices).await?;
    pair(transcript, "second controller", &homes.second, port, handle, notices).await?;

    let session =
        Session::new(homes.controller.clone(), opendesk_std::desktop::Backend::Virtual, Box::new(OnRuntime(Tokio)));
    let mut agent = Agent::start(session).await?;
    let tools = transcript.time("agent", agent.initialize()).await?;
    transcript.add(&format!("MCP initialized; {} tools: {}", tools.len(), tools.join(" ")));

    let before = transcript.time("agent", agent.screenshot()).await?;
    transcript.add(&format!("screenshot: {}", before.text));
    save(out, "1-before.png", &before.image)?;

    let (x, y) = before.pixel(stage.button()?)?;
    let clicks = stage.clicks();
    let said = transcript.time("agent", agent.call("mouse", json!({"action": "click", "x": x, "y": y}))).await?;
    transcript.add(&format!("click on the Count button at pixel {x},{y}: {}", said.text));
    expect(stage.wait(|stage| stage.clicks() == clicks + 1).await, "the click did not reach the button")?;

    let (x, y) = before.pixel(stage.entry()?)?;
    agent.call("mouse", json!({"action": "click", "x": x, "y": y})).await?;
    let said = transcript.time("agent", agent.call("keyboard", json!({"action": "type", "text": SENTENCE}))).await?;
    transcript.add(&format!("a sentence into the editor: {}", said.text));
    expect(stage.wait(|stage| stage.text().contains(SENTENCE)).await, "the sentence did not arrive as it was typed")?;

    let after = transcript.time("agent", agent.screenshot()).await?;
    transcript.add(&format!("screenshot: {}", after.text));
    save(out, "2-after.png", &after.image)?;
    expect(before.image != after.image, "the second picture is the same as the first")?;
    expect(stage.shows(SENTENCE, &before, &after)?, "the text is not on the screen")?;
    transcript.say("check", "the click was counted, the text arrived, and the picture shows it");

    busy(transcript, homes).await?;
    agent.finish().await?;
    let gone = tokio::time::timeout(Duration::from_secs(5), async {
        while !handle.sessions().await.is_ok_and(|sessions| sessions.is_empty()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    expect(gone.await.is_ok(), "the session did not end with its agent")?;
    transcript.say("agent", "has gone, and its session with it; nothing stays pressed");
    Ok(())
}

async fn pair(
    transcript: &mut Transcript,
    who: &str,
    home: &Home,
    port: u16,
    handle: &HostHandle,
    notices: &async_channel::Receiver<Notice>,
) -> Result<(), Failure> {
    let code = opendesk_std::pairing_code().map_err(Failure::failed)?;
    let stopped = |_| Failure::failed("the host stopped");
    handle.open_pairing(&code, Duration::from_secs(60)).await.map_err(stopped)?.map_err(Failure::failed)?;
    transcript.say("host", &format!("shows the code {code}"));
    let options =
        PairOptions { home: home.clone(), host: "127.0.0.1".into(), port, code, name: Some(stage::host_name()?) };
    let paired = transcript.time(who, async { Ok(opendesk_tokio::pair(&options).await?) }).await?;
    transcript.add(&format!("paired; its screen shows: {}", paired.words));
    loop {
        match notices.recv().await.map_err(|_| Failure::failed("the host stopped"))? {
            Notice::Paired { words, name, .. } => {
                transcript.say("host", &format!("paired with {name}; its screen shows: {words}"));
                return expect(words == paired.words, "the two screens show different words");
            }
            _ => continue,
        }
    }
}

async fn busy(transcript: &mut Transcript, homes: &Homes) -> Result<(), Failure> {
    let options = ConnectOptions { home: homes.second.clone(), peer: stage::host_name()?.to_string() };
    let refused = transcript
        .time("second controller", async { Ok(opendesk_tokio::connect(&options).await.err().map(Failure::from)) })
        .await?;
    match refused {
        Some(refused) if refused.number() == 4 => {
            transcript.add(&format!("is refused: {refused}"));
            Ok(())
        }
        Some(other) => Err(Failure::failed(format!("the second controller was to be told BUSY, and got: {other}"))),
        None => Err(Failure::failed("the second controller was let in while the first one drives")),
    }
}

fn keep_audit(transcript: &mut Transcript, host: &Home, out: &Path) -> Result<(), Failure> {
    let lost = |error: std::io::Error| Failure::failed(format!("the audit log cannot be kept: {error}"));
    let mut logs: Vec<_> = std::fs::read_dir(host.audit_dir())
        .map_err(lost)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    logs.sort_unstable();
    let (mut all, mut lines) = (Vec::new(), 0);
    for log in &logs {
        let verified = opendesk_std::govern::audit::verify_file(log)
            .map_err(|error| Failure::failed(format!("the audit log does not verify: {error}")))?;
        lines += verified.chained;
        all.extend(std::fs::read(log).map_err(lost)?);
    }
    let text = String::from_utf8_lossy(&all);
    expect(!text.contains(SENTENCE), "the audit log holds what was typed")?;
    expect(text.contains("input.text") && text.contains("session.closed"), "the audit log is not complete")?;
    save(out, "audit.jsonl", &all)?;
    transcript.say("host", &format!("wrote an audit log of {lines} entries, and its chain holds"));
    Ok(())
}

fn save(out: &Path, name: &str, data: &[u8]) -> Result<(), Failure> {
    let path = out.join(name);
    std::fs::write(&path, data).map_err(|error| Failure::failed(format!("cannot write {}: {error}", path.display())))
}

fn expect(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::failed(otherwise)) }
}
