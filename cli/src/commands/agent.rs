//! `opendesk agent`.

mod endpoint;
mod person;

use core::time::Duration;
use std::io::IsTerminal as _;

use opendesk_std::agent::{self, Api, Limits, Prices, Run, Settings, Stop, Usage, format_for, profile_for};
use opendesk_std::home::plain_text;
use opendesk_std::tools::formats::{Adapter, Format, Options};
use opendesk_std::tools::visible;
use serde_json::{Value, json};

use self::endpoint::Http;
use self::person::Terminal;
use super::{Context, agent_call, close, interrupted, session};
use crate::args;
use crate::exit::Failure;
use crate::output;

/// Below the options of the command.
pub(crate) const HELP: &str = "\
The endpoint's key is read from the environment and never from the command line. What the model says and
does is told on standard error, its last words on standard output. All it does passes this machine's
policy and `opendesk stop` as any agent's calls do, and a peer's own rules. Busy endpoints are asked again
up to four times. Old pictures leave the conversation. Ctrl-C ends it, and releases what is held.

  opendesk agent --model claude-sonnet-5 --max-steps 30 \"open the text editor and write hello\"
  opendesk agent --model qwen3-vl --api openai-chat --base-url http://127.0.0.1:11434/v1 --peer box \"…\"";

pub(super) async fn run(context: &Context, options: args::Agent) -> Result<(), Failure> {
    let api = options.api.map_or_else(|| guess(&options.model), Api::from);
    let format = tools_of(api, &options)?;
    if options.confirm && !(std::io::stdin().is_terminal() && options.task != "-") {
        return Err(Failure::usage("--confirm asks on the terminal, and standard input is none"));
    }
    let prices = options.price_in.zip(options.price_out).map(|(input, output)| Prices { input, output });
    for amount in [options.max_cost, options.price_in, options.price_out].into_iter().flatten() {
        if !(amount.is_finite() && amount >= 0.0) {
            return Err(Failure::usage("--max-cost, --price-in and --price-out are amounts of money"));
        }
    }
    let time = Duration::from_secs(options.timeout);
    let endpoint = Http::new(api, &options, time)?;
    let settings = Settings {
        model: options.model.clone(),
        task: if options.task == "-" { agent_call::all_of_input()? } else { options.task.clone() },
        max_tokens: options.max_tokens,
        limits: Limits { steps: options.max_steps, cost: options.max_cost, prices },
        is_first_party: endpoint.is_first_party(),
    };
    let person = Terminal::new(&options)?;
    let profile = options.sight.profile.map_or_else(|| profile_for(format, &options.model), Into::into);
    let how = Options { peer: options.sight.peer.clone(), profile, ..Options::of(format) };
    let session = session(&context.home, options.sight.backend);
    let mut adapter = Adapter::new(session.clone(), format, how);
    let mut usage = Usage::default();
    let done = tokio::select! {
        done = work(&mut adapter, api, settings, &endpoint, &person, &mut usage) => done,
        () = interrupted() => Err(Failure::interrupted()),
        () = tokio::time::sleep(time) => {
            Err(Failure::failed(format!("the task was not done within {} s; --timeout allows more", options.timeout)))
        }
    };
    close(&session).await;
    let cost = prices.map(|prices| usage.cost(prices));
    if usage.steps > 0 && !(context.json && done.is_ok()) {
        output::note(&told(usage, cost));
    }
    let said = done?;
    let value = json!({"ok": true, "text": said, "usage": as_json(usage), "cost": cost});
    output::result(context.json, &value, || visible(&said));
    Ok(())
}

/// What a model's name says of its API.
fn guess(model: &str) -> Api {
    if model.contains("claude") { Api::Anthropic } else { Api::Openai }
}

fn tools_of(api: Api, options: &args::Agent) -> Result<Format, Failure> {
    let Some(tool_type) = &options.tool_type else { return Ok(format_for(api, &options.model)) };
    let (sdk, fits): (_, fn(Format) -> bool) = match api {
        Api::Anthropic => ("anthropic", |_| true),
        Api::Openai => ("openai", |format| format != Format::OpenaiChat),
        Api::OpenaiChat => ("openai", |format| format == Format::OpenaiChat),
    };
    let found = Format::named(sdk, Some(tool_type)).map_err(|error| Failure::usage(format!("--tool-type: {error}")))?;
    if fits(found) {
        return Ok(found);
    }
    Err(Failure::usage("--tool-type: tools of this type are not those of --api"))
}

async fn work(
    adapter: &mut Adapter,
    api: Api,
    settings: Settings,
    endpoint: &Http,
    person: &Terminal,
    usage: &mut Usage,
) -> Result<String, Failure> {
    let tools = adapter.definitions().await?;
    let mut run = Run::new(api, settings, tools, usage);
    agent::work(adapter, &mut run, endpoint, person).await.map_err(|stop| failure(&stop))
}

fn failure(stop: &Stop) -> Failure {
    let message = stop.to_string();
    match stop {
        Stop::Endpoint { status: 401 | 403, .. } | Stop::Stopped(_) | Stop::Unagreed(_) => Failure::untrusted(message),
        Stop::Unreached(_) => Failure::failed(message).with_code(3),
        _ => Failure::failed(message),
    }
}

fn told(usage: Usage, cost: Option<f64>) -> String {
    let Usage { steps, input, cached, output, untold, unanswered, .. } = usage;
    let mut line = format!("{steps} steps, {input} tokens read ({cached} of them from a cache), {output} written");
    if untold > 0 {
        line.push_str(&format!("; {untold} answers did not tell all of it, and the rest is estimated"));
    }
    if unanswered > 0 {
        line.push_str(&format!("; {unanswered} requests were not answered, and are estimated"));
    }
    if let Some(cost) = cost {
        line.push_str(&format!("; at most {cost:.4} spent"));
    }
    line
}

fn as_json(usage: Usage) -> Value {
    let Usage { steps, input, cached, written, output, untold, unanswered } = usage;
    json!({
        "steps": steps,
        "input_tokens": input,
        "cached_input_tokens": cached,
        "cache_write_tokens": written,
        "output_tokens": output,
        "answers_without_usage": untold,
        "unanswered_requests": unanswered,
    })
}

/// Somebody else's words on the terminal: one line that moves nothing.
fn one_line(text: &str) -> String {
    plain_text(text)
}
