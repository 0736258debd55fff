//! `opendesk pair-with`.

use std::io::{self, IsTerminal};

use opendesk_core::{Wire, limits};
use opendesk_std::client::{self, Address, ClientError, DEFAULT_PORT, PairOptions, Paired};
use opendesk_std::discovery::is_wanted;
use opendesk_std::home::{PeerName, printable};
use opendesk_std::written_code;
use opendesk_tokio::Tokio;
use serde_json::json;

use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(crate) const HELP: &str = "\
Where another paired machine has the name, a person at a terminal is asked for another one; without a
terminal, or with --json, the command ends with exit code 2 and stores nothing here.

With --json: {\"ok\": true, \"name\": what it is called here, \"fingerprint\" and \"public_key\": its key,
\"words\": the four that its screen shows too (\"\" in version 1), \"wire\": the version, \"host\" and
\"port\": where it was reached}";

pub(super) async fn run(context: &Context, options: args::PairWith) -> Result<(), Failure> {
    let args::PairWith { host, code, port, name } = options;
    let Address { host, port: written } = located(host, port).await?;
    let port = match (written, port) {
        (Some(written), Some(port)) if written != port => {
            return Err(Failure::usage(format!("HOST says port {written} and --port says {port}; say one of them")));
        }
        (written, port) => written.or(port).unwrap_or(DEFAULT_PORT),
    };
    let options = PairOptions { home: context.home.clone(), host, port, code: code_of(&code)?, name };
    let asks = !context.json && io::stdin().is_terminal() && io::stderr().is_terminal();
    let paired = pair(options.clone(), asks).await?;
    let PairOptions { host, port, .. } = options;
    // One that was paired before may have got another name.
    super::peers::drop_former_names(context).await;
    let Paired { name, key, words, wire } = paired;
    let value = json!({
        "ok": true, "name": name, "fingerprint": format!("{key:?}"), "public_key": key.to_string(), "words": words,
        "wire": wire.number(), "host": host, "port": port,
    });
    output::result(context.json, &value, || {
        let name = printable(&name);
        let compared = match wire {
            Wire::V1 => "it speaks version 1 only: whoever stood between the two can have found the code".to_owned(),
            Wire::V2 => format!("its screen shows the same words: {words}"),
        };
        format!("paired with {name}\n{compared}\ntry it: opendesk connect {name:?}")
    });
    Ok(())
}

/// Where a machine is that is called by the name that `opendesk discover` shows; everything else as it was written.
async fn located(host: Address, port: Option<u16>) -> Result<Address, Failure> {
    if port.is_some() || !host.is_announced() || !is_wanted() {
        return Ok(host);
    }
    let found = tokio::select! {
        found = client::look_for(&Tokio, &host.host) => found,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    Ok(found.unwrap_or_else(|| {
        output::note(&format!(
            "no machine of this network announces itself as {}; taking it for a name of the network",
            printable(&host.host)
        ));
        host
    }))
}

/// The code as the other machine has it.
fn code_of(words: &[String]) -> Result<String, Failure> {
    let text = words.join(" ");
    let code = written_code(&text);
    // Another code than one of digits has no gaps that could be closed.
    if words.len() > 1 && code == text {
        return Err(Failure::usage(format!(
            "\"{}\" is no code of six or eighteen digits; put it in quotes if the other machine shows it so",
            printable(&text)
        )));
    }
    if code.is_empty() || code.len() > limits::CODE_BYTES {
        return Err(Failure::usage("a pairing code has 1 to 64 bytes"));
    }
    Ok(code)
}

async fn pair(mut options: PairOptions, asks: bool) -> Result<Paired, Failure> {
    let proved = loop {
        let proved = tokio::select! {
            proved = client::prove(Tokio, &options) => proved,
            () = interrupted() => return Err(Failure::interrupted()),
        };
        options.name = match proved {
            Err(ClientError::NameTaken { name, free, is_trusted_there }) if asks => {
                let Some(another) = another(&name, &free).await? else {
                    return Err(ClientError::NameTaken { name, free, is_trusted_there }.into());
                };
                Some(another)
            }
            proved => break proved?,
        };
    };
    loop {
        options.name = match proved.trust(options.name.as_ref()).await {
            Err(ClientError::NameTaken { name, free, is_trusted_there }) if asks => {
                let asked = another(&name, &free).await.inspect_err(|_| {
                    output::note("it was not stored here, although it trusts this machine by now");
                });
                let Some(another) = asked? else {
                    return Err(ClientError::NameTaken { name, free, is_trusted_there }.into());
                };
                Some(another)
            }
            paired => return Ok(paired?),
        };
    }
}

/// Another name, from the person at the terminal; `None` when they give none.
async fn another(taken: &PeerName, free: &PeerName) -> Result<Option<PeerName>, Failure> {
    loop {
        output::prompt(&format!(
            "another paired machine is called \"{taken}\"; what shall this one be called? [{free}] "
        ));
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            io::stdin().read_line(&mut line).map(|read| (read > 0).then_some(line))
        });
        let line = tokio::select! {
            line = line => line,
            () = interrupted() => return Err(Failure::interrupted()),
        };
        let Ok(Ok(Some(line))) = line else {
            // The end of the input leaves the cursor behind the question.
            output::note("");
            return Ok(None);
        };
        match line.trim() {
            "" => return Ok(Some(free.clone())),
            name => match name.parse() {
                Ok(name) => return Ok(Some(name)),
                Err(why) => output::note(&format!("{why}")),
            },
        }
    }
}
