//! `opendesk pair-with`.

use opendesk_core::Wire;
use opendesk_std::home::printable;
use opendesk_tokio::PairOptions;
use serde_json::json;

use super::{Context, interrupted};
use crate::args;
use crate::exit::Failure;
use crate::output;

pub(super) async fn run(context: &Context, options: args::PairWith) -> Result<(), Failure> {
    let args::PairWith { host, code, port, name } = options;
    let options = PairOptions { home: context.home.clone(), host, port, code, name };
    let paired = tokio::select! {
        paired = opendesk_tokio::pair(&options) => paired?,
        () = interrupted() => return Err(Failure::interrupted()),
    };
    let (name, words, wire) = (paired.name, paired.words, paired.wire.number());
    let value =
        json!({"ok": true, "name": name, "fingerprint": format!("{:?}", paired.key), "words": words, "wire": wire});
    output::result(context.json, &value, || {
        let name = printable(&name);
        let compared = match paired.wire {
            Wire::V1 => "it speaks version 1 only: whoever stood between the two can have found the code".to_owned(),
            Wire::V2 => format!("its screen shows the same words: {words}"),
        };
        format!("paired with {name}\n{compared}\ntry it: opendesk connect {name:?}")
    });
    Ok(())
}
