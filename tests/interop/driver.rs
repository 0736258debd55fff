//! Our library at every method of a host, checking what it gives.

use core::time::Duration;
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use opendesk_core::Wire;
use opendesk_std::api::*;
use opendesk_std::client::{Client, ClientError};

const LIMIT: Duration = Duration::from_secs(20);

/// What came of a method: what was seen, or the line with which it failed.
pub(crate) type Outcomes = BTreeMap<&'static str, core::result::Result<String, String>>;

/// Says what is wrong with a result.
fn check(holds: bool, what: &str) -> core::result::Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

struct Driver<'a> {
    client: &'a Client,
    outcomes: Outcomes,
}

impl Driver<'_> {
    async fn call<M: Method>(&self, params: &M::Params) -> core::result::Result<M::Output, ClientError> {
        self.client.call_within::<M>(params, LIMIT).await
    }

    /// Calls a method and looks at what it gives. That a host has not what it needs is an honest answer, if its manifest
    /// does not promise it.
    async fn sees<M: Method>(
        &mut self,
        params: M::Params,
        look: impl FnOnce(M::Output) -> core::result::Result<String, String>,
    ) {
        let outcome = match self.call::<M>(&params).await {
            Ok(output) => look(output),
            Err(ClientError::Call(error)) if error.code == ErrorCode::CapabilityUnsupported => {
                self.honest(M::NAME).map(|capability| format!("without {capability}"))
            }
            Err(error) => Err(error.to_string()),
        };
        self.outcomes.insert(M::NAME, outcome);
    }

    fn honest(&self, method: &str) -> core::result::Result<String, String> {
        let capability = capability(method);
        let promised = self.client.greeting().manifest.capabilities.iter().any(|name| name == capability);
        if promised { Err(format!("{capability} is promised and refused")) } else { Ok(capability.to_owned()) }
    }
}

/// What a host must have for a method.
pub(crate) fn capability(method: &str) -> &'static str {
    match method {
        "windows.list" | "windows.focused" => "windows.list",
        "windows.focus" | "windows.move" | "windows.close" => "windows.manipulate",
        "apps.list" | "apps.open" | "apps.close" | "apps.focus" => "app.lifecycle",
        "ui.tree" => "ui.tree",
        "ui.action" => "ui.actions",
        "power.lock" => "power.lock",
        "notifications.list" => "notifications.list",
        "fs.read" | "fs.list" | "fs.stat" => "fs.read",
        "fs.write" | "fs.delete" | "fs.move" | "fs.mkdir" | "fs.setstat" => "fs.write",
        "process.list" => "process.list",
        "process.shell" => "process.shell",
        "process.exec" => "process.spawn",
        "process.start" | "process.output" | "process.write" | "process.signal" => "process.stream",
        "apps.installed" => "app.lifecycle",
        "ocr.read" | "ocr.click" => "ocr",
        other => panic!("{other} is of every desktop"),
    }
}

const TEXT: &str = "typed: grüße 世界";

/// Goes through every method of a host whose desktop has the windows of the virtual one. `folder` is empty, and both
/// machines see it.
pub(crate) async fn drive(client: &Client, folder: &Path) -> Outcomes {
    let mut driver = Driver { client, outcomes: Outcomes::new() };
    look_around(&mut driver).await;
    use_the_hands(&mut driver).await;
    use_windows(&mut driver).await;
    use_files(&mut driver, folder).await;
    use_programs(&mut driver).await;
    use_running_programs(&mut driver).await;
    use_what_is_new(&mut driver).await;
    watch(&mut driver).await;
    driver.outcomes
}

async fn look_around(driver: &mut Driver<'_>) {
    driver
        .sees::<SystemCapabilities>((), |manifest| {
            check(!manifest.capabilities.is_empty() && manifest.backend.contains('/'), "an empty manifest")?;
            Ok(format!("{} capabilities", manifest.capabilities.len()))
        })
        .await;
    driver
        .sees::<SystemEnvironment>((), |environment| {
            check(!environment.os.is_empty() && !environment.displays.is_empty(), "an empty environment")?;
            Ok(environment.os)
        })
        .await;
    driver
        .sees::<DisplayDisplays>((), |displays| {
            check(displays.iter().filter(|display| display.primary).count() == 1, "not one primary display")?;
            Ok(format!("{}", displays.len()))
        })
        .await;
    driver
        .sees::<DisplayCapture>(CaptureParams::default(), |picture| {
            check(picture.format == PictureFormat::Png && picture.data.starts_with(b"\x89PNG"), "no PNG")?;
            check(picture.area.width > 0.0 && picture.width > 0, "an empty picture")?;
            Ok(format!("{}x{}", picture.width, picture.height))
        })
        .await;
    driver.sees::<NotificationsList>((), |notifications| Ok(format!("{}", notifications.len()))).await;
    driver.sees::<PowerLock>((), |_| Ok("locked".to_owned())).await;
    // The virtual desktop has no password; on another one a Return does no harm.
    for action in [Press::Down, Press::Up] {
        let key = KeyEvent { action, keysym: "return".to_owned(), modifiers: vec![] };
        driver.client.key(&key).await.expect("a key can be pressed");
    }
}

fn pointer(action: PointerAction, x: f64, y: f64, button: Option<Button>) -> PointerEvent {
    PointerEvent { action, point: Point::new(x, y), button, modifiers: vec![], dx: 0.0, dy: 0.0 }
}

async fn use_the_hands(driver: &mut Driver<'_>) {
    driver.sees::<InputPointer>(pointer(PointerAction::Move, 33.0, 44.0, None), |_| Ok("moved".to_owned())).await;
    driver
        .sees::<DisplayCursorPosition>((), |point| {
            check(point == Point::new(33.0, 44.0), "the pointer is elsewhere")?;
            Ok("where it was moved".to_owned())
        })
        .await;
    let key = |action| KeyEvent { action, keysym: "shift".to_owned(), modifiers: vec![] };
    driver.sees::<InputKey>(key(Press::Down), |_| Ok("pressed and released".to_owned())).await;
    driver.sees::<InputKey>(key(Press::Up), |_| Ok("pressed and released".to_owned())).await;
    let text = TextInput { text: TEXT.to_owned(), interval_ms: 0 };
    driver.sees::<InputText>(text, |_| Ok("typed".to_owned())).await;
    let entry = ClipboardEntry { mime_type: "text/plain;charset=utf-8".to_owned(), data: TEXT.as_bytes().to_vec() };
    let contents = ClipboardContents { entries: vec![entry] };
    driver.sees::<ClipboardWrite>(contents, |_| Ok("written".to_owned())).await;
    driver
        .sees::<ClipboardRead>((), |contents| {
            check(contents.entries.iter().any(|entry| entry.data == TEXT.as_bytes()), "another clipboard")?;
            Ok("as written".to_owned())
        })
        .await;
}

async fn use_windows(driver: &mut Driver<'_>) {
    let mut windows = Vec::new();
    driver
        .sees::<WindowsList>((), |listed| {
            check(!listed.is_empty(), "no windows")?;
            windows = listed;
            Ok(format!("{}", windows.len()))
        })
        .await;
    let Some(window) = windows.into_iter().next() else { return };
    let (window_id, bounds) = (window.id.clone(), window.bounds.expect("a window that is shown has a place"));
    let params = WindowParams { window_id: window_id.clone() };
    let close = WindowCloseParams { window_id: window_id.clone(), force: false };
    driver.sees::<WindowsFocus>(params, |_| Ok("focused".to_owned())).await;
    driver
        .sees::<WindowsFocused>((), |focused| {
            check(focused.is_some_and(|focused| focused.id == window_id), "another window has the focus")?;
            Ok("the one that was focused".to_owned())
        })
        .await;
    driver.sees::<WindowsMove>(MoveWindowParams { window_id, bounds }, |_| Ok("moved".to_owned())).await;
    let mut apps = Vec::new();
    driver
        .sees::<AppsList>((), |listed| {
            check(!listed.is_empty(), "no applications")?;
            apps = listed;
            Ok(format!("{}", apps.len()))
        })
        .await;
    let app = || AppParams { name: window.app_name.clone() };
    driver.sees::<AppsFocus>(app(), |_| Ok("focused".to_owned())).await;
    let mut button = None;
    driver
        .sees::<UiTreeRead>(TreeParams::default(), |tree| {
            button = tree.nodes.iter().find(|node| node.name == "Count").cloned();
            check(button.is_some(), "no button called Count")?;
            Ok(format!("{} elements", tree.nodes.len()))
        })
        .await;
    if let Some(UiNode { role, name, bounds, reference, .. }) = button {
        let target = ElementTarget { role, name, bounds, reference, ..ElementTarget::default() };
        let click = UiActionParams { target, action: "click".to_owned(), app: None };
        driver.sees::<UiAction>(click, |_| Ok("clicked".to_owned())).await;
    }
    driver.sees::<WindowsClose>(close, |_| Ok("closed".to_owned())).await;
    driver.sees::<AppsOpen>(app(), |_| Ok("opened".to_owned())).await;
    driver.sees::<AppsClose>(app(), |_| Ok("closed".to_owned())).await;
}

async fn use_files(driver: &mut Driver<'_>, folder: &Path) {
    let path = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let file = |name: &str| FileParams { path: path(name) };
    let (below, data) = (path("below/deeper"), TEXT.as_bytes().to_vec());
    driver
        .sees::<FsMkdir>(DirectoryParams { path: below, parents: true }, |()| {
            check(folder.join("below/deeper").is_dir(), "no folder")?;
            Ok("with its parent".to_owned())
        })
        .await;
    let write = FileWriteParams { path: path("below/grüße"), data: data.clone(), offset: None };
    driver.sees::<FsWrite>(write, |()| Ok("written".to_owned())).await;
    let read = FileReadParams { path: path("below/grüße"), offset: 0, length: None };
    driver
        .sees::<FsRead>(read, |read| {
            check(read.data == data, "another content")?;
            Ok("as written".to_owned())
        })
        .await;
    driver
        .sees::<FsList>(file("below"), |entries| {
            let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            names.sort_unstable();
            check(names == ["deeper", "grüße"], "another list")?;
            Ok("both".to_owned())
        })
        .await;
    driver
        .sees::<FsStat>(file("below/grüße"), |entry| {
            check(!entry.is_dir && entry.size == data.len() as u64, "another file")?;
            Ok(format!("{} bytes", entry.size))
        })
        .await;
    if driver.client.wire() != Wire::V1 {
        // A file that was changed long ago, and that its owner alone may read.
        let stat = SetstatParams { path: path("below/grüße"), mode: Some(0o600), mtime: Some(1_234_567.5) };
        driver
            .sees::<FsSetstat>(stat, |()| {
                let metadata = folder.join("below/grüße").metadata().map_err(|error| error.to_string())?;
                check((metadata.mode() & 0o777, metadata.mtime()) == (0o600, 1_234_567), "not as it was set")?;
                Ok("permissions and time".to_owned())
            })
            .await;
    }
    let moved = FileMoveParams { src: path("below/grüße"), dst: path("moved") };
    driver
        .sees::<FsMove>(moved, |()| {
            check(folder.join("moved").is_file(), "it is not there")?;
            Ok("moved".to_owned())
        })
        .await;
    driver
        .sees::<FsDelete>(file("below"), |()| {
            check(!folder.join("below").exists(), "it is still there")?;
            Ok("with all below".to_owned())
        })
        .await;
}

async fn use_programs(driver: &mut Driver<'_>) {
    driver
        .sees::<ProcessList>((), |processes| {
            check(processes.iter().any(|process| process.pid == 1), "not the first process")?;
            Ok("with the first one".to_owned())
        })
        .await;
    let env = vec![("GREETING".to_owned(), "grüße".to_owned())];
    let shell = ShellParams {
        command: "printf %s \"$GREETING\"; printf oops >&2; exit 3".to_owned(),
        timeout: Some(15.0),
        env,
        ..ShellParams::default()
    };
    let ended = |ended: CompletedCommand| {
        check(ended.returncode == 3, "another code")?;
        check(ended.stdout == "grüße".as_bytes() && ended.stderr == b"oops", "another output")?;
        Ok("code 3 and both outputs".to_owned())
    };
    driver.sees::<ProcessShell>(shell, ended).await;
    let argv = ["/bin/sh", "-c", "cat"].map(str::to_owned).into();
    let exec = ExecParams { argv, timeout: Some(15.0), stdin: Some(b"input".to_vec()), ..ExecParams::default() };
    driver
        .sees::<ProcessExec>(exec, |ended| {
            check(ended.returncode == 0 && ended.stdout == b"input", "another output")?;
            Ok("its input".to_owned())
        })
        .await;
}

/// Programs that are read while they run, which version 1 does not know.
async fn use_running_programs(driver: &mut Driver<'_>) {
    let outcomes = if driver.client.wire() == Wire::V1 {
        let id = CommandId::default();
        let mut output = driver.client.subscribe::<ProcessOutput>(&OutputParams { id }, 1024).await.expect("a session");
        let refusals = [
            (ProcessStart::NAME, driver.call::<ProcessStart>(&StartParams::default()).await.err()),
            (ProcessOutput::NAME, output.next().await.and_then(|item| item.err())),
            (ProcessWrite::NAME, driver.call::<ProcessWrite>(&CommandInput::default()).await.err()),
            (ProcessSignal::NAME, driver.call::<ProcessSignal>(&SignalParams::default()).await.err()),
        ];
        refusals.map(|(name, refusal)| match refusal {
            Some(ClientError::Call(error)) if error.code == ErrorCode::CapabilityUnsupported => {
                (name, Ok("refused: version 1 has no such method".to_owned()))
            }
            other => (name, Err(format!("{other:?}"))),
        })
    } else {
        let [talks, ends] = [talk(driver).await, end(driver).await];
        let seen = |ended: &core::result::Result<CommandEnd, ClientError>, returncode: i32| match ended {
            Ok(end) if end.returncode == returncode => Ok(format!("code {returncode}")),
            other => Err(format!("{other:?}")),
        };
        [
            (ProcessStart::NAME, seen(&talks, 3)),
            (ProcessOutput::NAME, seen(&talks, 3)),
            (ProcessWrite::NAME, seen(&talks, 3)),
            (ProcessSignal::NAME, seen(&ends, -9)),
        ]
    };
    driver.outcomes.extend(outcomes);
}

/// A program that says what it is told, and ends.
async fn talk(driver: &Driver<'_>) -> core::result::Result<CommandEnd, ClientError> {
    let argv = ["/bin/sh", "-c", "read line; echo got $line; exit 3"].map(str::to_owned).into();
    let id = driver.call::<ProcessStart>(&StartParams { argv, stdin: true, ..StartParams::default() }).await?.id;
    driver.call::<ProcessWrite>(&CommandInput { id, data: b"word\n".to_vec(), eof: false }).await?;
    let (said, end) = listen(driver, id).await?;
    assert_eq!(said, b"got word\n");
    Ok(end)
}

/// A program that is ended.
async fn end(driver: &Driver<'_>) -> core::result::Result<CommandEnd, ClientError> {
    let argv = ["sleep", "1000"].map(str::to_owned).into();
    let id = driver.call::<ProcessStart>(&StartParams { argv, ..StartParams::default() }).await?.id;
    driver.call::<ProcessSignal>(&SignalParams { id, signal: CommandSignal::Kill }).await?;
    Ok(listen(driver, id).await?.1)
}

async fn listen(driver: &Driver<'_>, id: CommandId) -> core::result::Result<(Vec<u8>, CommandEnd), ClientError> {
    let mut output = driver.client.subscribe::<ProcessOutput>(&OutputParams { id }, 1024).await?;
    let mut said = Vec::new();
    while let Some(part) = output.next().await {
        let part = part?;
        said.extend(part.stdout);
        if let Some(end) = part.ended {
            return Ok((said, end));
        }
    }
    Err(ClientError::Call(Error::internal("the stream ended")))
}

/// What version 1 has no names for.
async fn use_what_is_new(driver: &mut Driver<'_>) {
    if driver.client.wire() == Wire::V1 {
        let installed = driver.call::<AppsInstalled>(&()).await.err();
        let read = driver.call::<OcrRead>(&OcrParams::default()).await.err();
        let click = OcrClickParams { text: "Count".to_owned(), clicks: 1, ..OcrClickParams::default() };
        let clicked = driver.call::<OcrClick>(&click).await.err();
        let set =
            driver.call::<FsSetstat>(&SetstatParams { path: "/".to_owned(), mode: None, mtime: None }).await.err();
        for (name, refusal) in
            [(AppsInstalled::NAME, installed), (OcrRead::NAME, read), (OcrClick::NAME, clicked), (FsSetstat::NAME, set)]
        {
            let outcome = match refusal {
                Some(ClientError::Call(error)) if error.code == ErrorCode::CapabilityUnsupported => {
                    Ok("refused: version 1 has no such method".to_owned())
                }
                other => Err(format!("{other:?}")),
            };
            driver.outcomes.insert(name, outcome);
        }
        return;
    }
    driver
        .sees::<AppsInstalled>((), |apps| {
            check(!apps.is_empty() && apps.iter().all(|app| !app.id.is_empty()), "no applications")?;
            Ok(format!("{}", apps.len()))
        })
        .await;
    driver
        .sees::<OcrRead>(OcrParams::default(), |text| {
            check(text.words.iter().any(|word| word.text == "Remember"), "no word Remember")?;
            Ok(format!("{} words", text.words.len()))
        })
        .await;
    let click = OcrClickParams { text: "Remember me".to_owned(), clicks: 1, ..OcrClickParams::default() };
    driver
        .sees::<OcrClick>(click, |clicked| {
            check(clicked.text == "Remember me" && clicked.bounds.contains(clicked.point), "another text")?;
            Ok("on the text".to_owned())
        })
        .await;
}

async fn watch(driver: &mut Driver<'_>) {
    let outcome = async {
        let mut pictures = driver.client.watch(&SubscribeParams { fps: 10, ..SubscribeParams::default() }).await?;
        pictures.next().await.unwrap_or_else(|| Err(ClientError::Call(Error::internal("the stream ended"))))
    };
    let outcome = outcome.await.map_err(|error| error.to_string()).and_then(|picture| {
        let whole = picture.patches.first().is_some_and(|patch| patch.data.starts_with(b"\x89PNG"));
        check(picture.keyframe && whole, "no PNG")?;
        Ok(format!("{}x{}", picture.width, picture.height))
    });
    driver.outcomes.insert(DisplaySubscribe::NAME, outcome);
    let refused = async {
        let mut events = driver.client.subscribe::<InputSubscribe>(&(), 1024).await?;
        events.next().await.unwrap_or_else(|| Err(ClientError::Call(Error::internal("the stream ended"))))
    };
    let outcome = match refused.await {
        Err(ClientError::Call(error)) if error.code == ErrorCode::CapabilityUnsupported => {
            Ok("refused, as by every host".to_owned())
        }
        other => Err(format!("{other:?}")),
    };
    driver.outcomes.insert(InputSubscribe::NAME, outcome);
}
