//! Storms of a hostile network, clumsy peers and a leaping clock (`tests/support/world/storm.rs`), a seed each.
//!
//! `OPENDESK_STORM_SEED=n` repeats one, `OPENDESK_STORM_SEEDS=n` tries that many.

use core::num::NonZero;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs, thread};

use opendesk_core::RequestId;
use opendesk_tests::world::storm::{Failure, STRANGER, attempt, redacted, replays, run};
use opendesk_tests::world::{Pipe, Way, World};

const SEEDS: u64 = 2000;

/// Enough for some sessions, for what interrupts them, and for what is repeated afterwards.
const STEPS: usize = 36;

/// The seeds of the controls, so that their traces have files of their own.
const CONTROLS: u64 = 1_000_000_000;

/// What a control does to the world before each check.
type Sabotage = fn(&mut World);

/// What happened, by a word, and how often.
type Happened = BTreeMap<&'static str, usize>;

/// Rides out these storms, on all processors, or says what the first failure was and how to repeat it.
fn ride_out(seeds: &[u64], sabotage: Sabotage) -> Result<Happened, String> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(seeds.len());
    let share = |first: usize| -> Result<Vec<Happened>, Failure> {
        let seeds = seeds.iter().skip(first).step_by(workers);
        seeds.map(|seed| attempt(*seed, STEPS, sabotage).map(|report| report.happened)).collect()
    };
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|first| scope.spawn(move || share(first))).collect();
        threads.into_iter().map(|thread| thread.join().expect("what a storm breaks is caught")).collect()
    });
    if let Some(failure) = results.iter().filter_map(|result| result.as_ref().err()).min_by_key(|it| it.seed) {
        return Err(describe(failure));
    }
    let mut happened = Happened::new();
    for (word, times) in results.into_iter().flatten().flatten().flatten() {
        *happened.entry(word).or_default() += times;
    }
    Ok(happened)
}

fn describe(failure: &Failure) -> String {
    let file = trace_file(failure.seed);
    fs::write(&file, format!("{failure}\n{}\n", failure.trace.join("\n"))).expect("a trace can be written");
    let recording = file.with_extension("trace");
    fs::write(&recording, &failure.recording).expect("a recording can be written");
    format!(
        "{failure}\nits trace is in {}; `opendesk replay {}` does it to the host again; repeat all of it with \
         OPENDESK_STORM_SEED={} cargo test -p opendesk-tests --test core storms_break_nothing",
        file.display(),
        recording.display(),
        failure.seed
    )
}

fn trace_file(seed: u64) -> PathBuf {
    env::temp_dir().join(format!("opendesk-storm-{seed}.txt"))
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?} and should be a number")))
}

#[test]
fn two_thousand_storms_break_nothing() {
    let seeds: Vec<u64> = match number("OPENDESK_STORM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("OPENDESK_STORM_SEEDS").unwrap_or(SEEDS)).collect(),
    };
    let happened = ride_out(&seeds, |_| ()).unwrap_or_else(|message| panic!("{message}"));
    if seeds.len() as u64 >= SEEDS {
        // Storms in which nothing happens break nothing either.
        let done = ["session", "answer", "cancelled", "wrong_code", "refusal", "dawdler", "leap"];
        let streams = ["item", "not_ready", "push", "push_refused"];
        let operations = ["remembered", "still_running", "settled", "forgotten_peer"];
        let keys = ["rotate", "forget_keys", "former_key"];
        let endings = ["done", "evicted", "replaced", "lost", "silent", "forged"];
        let weather = ["hold", "stall", "delay", "vanish", "flip", "truncate", "drop", "swap", "repeat", "splice"];
        for word in done.iter().chain(&streams).chain(&operations).chain(&keys).chain(&endings).chain(&weather) {
            assert!(happened.contains_key(word), "no storm had any {word}: {happened:?}");
        }
    }
}

#[test]
fn storms_can_be_shared_without_what_was_said_in_them() {
    let mut stopped = Vec::new();
    for seed in 0..60 {
        let recording = run(seed, STEPS).recording;
        let (copy, stopped_at) = redacted(recording.clone()).unwrap_or_else(|what| panic!("seed {seed}: {what}"));
        assert!(copy.len() > recording.len() / 2 || stopped_at.is_some(), "seed {seed} is whole");
        for secret in [[0xd0; 32], [0xd1; 32]] {
            assert!(!copy.windows(32).any(|window| window == secret), "seed {seed}: a key of the host");
        }
        stopped.extend(stopped_at.map(|input| (seed, input)));
    }
    assert_eq!(stopped, [], "these cannot be disguised beyond these inputs");
}

#[test]
fn a_storm_repeats_exactly() {
    let mut last = Vec::new();
    for seed in 0..20 {
        let (first, second) = (run(seed, STEPS), run(seed, STEPS));
        assert!(first.trace == second.trace, "seed {seed}");
        assert_eq!(first.happened, second.happened);
        assert!(first.trace != last, "seeds {seed} and the one before are the same storm");
        last = first.trace;
    }
}

/// The next controller is let in while the keys of the last one are still pressed.
fn release_too_early(world: &mut World) {
    for link in world.program.unreleased.clone() {
        let now = world.now();
        world.host.released(now, link);
    }
}

/// One byte of a request is another one when it is carried out.
fn alter_a_request(world: &mut World) {
    if let Some(byte) = world.program.running.iter_mut().find_map(|running| running.body.first_mut()) {
        *byte ^= 1;
    }
}

fn trust_a_stranger(world: &mut World) {
    world.program.trusted.insert(STRANGER.public());
}

/// What was changed under way arrives as it was sent: to whoever knows of the change, as if nobody had noticed it.
fn undo_changes(world: &mut World) {
    for wire in world.all() {
        for way in [Way::ToHost, Way::ToPeer] {
            let Pipe { under_way, overheard, .. } = world.pipe(wire, way);
            let arrived = overheard.len().saturating_sub(under_way.len());
            for ((_, message), sent) in under_way.iter_mut().zip(overheard.iter().skip(arrived)) {
                message.clone_from(sent);
            }
        }
    }
}

/// The last item that the controller has was never heard of.
fn drop_an_item(world: &mut World) {
    if let Some(wire) = world.controller() {
        drop(world.client_mut(wire).items.pop());
    }
}

/// The last push that the controller has was never heard of.
fn drop_a_push(world: &mut World) {
    if let Some(wire) = world.controller() {
        drop(world.client_mut(wire).pushes.pop());
    }
}

/// Streams get credit that nobody knows of.
fn grant_in_secret(world: &mut World) {
    let Some(wire) = world.controller() else { return };
    let calls: Vec<RequestId> = world.client(wire).unanswered.iter().copied().collect();
    for call in calls {
        // A controller that was not told yet that it drives cannot.
        let _granted = world.grant(wire, call, 1000);
    }
}

/// The host's program is told of a repetition that it is the first of its kind.
fn forget_what_was_done(world: &mut World) {
    for running in &mut world.program.running {
        running.repeats = None;
    }
}

/// Who knows the host by keys that it had is not answered any more.
fn forget_former_keys(world: &mut World) {
    world.host.forget_former_keys();
}

/// Those who never say anything keep their places.
fn keep_silent_links(world: &mut World) {
    for wire in world.all() {
        if world.overheard(wire).is_empty() {
            world.pipe(wire, Way::ToPeer).ended = false;
        }
    }
}

#[test]
fn a_broken_invariant_is_noticed_with_its_seed() {
    let controls: [(Sabotage, &str); 10] = [
        (release_too_early, "I3: a session was opened before the last one was released"),
        (alter_a_request, "altered on the way"),
        (trust_a_stranger, "which nobody trusts"),
        (undo_changes, "tampered, unnoticed"),
        (drop_an_item, "the items of"),
        (drop_a_push, "the pushes to"),
        (grant_in_secret, "beyond its credit"),
        (forget_what_was_done, "is carried out twice"),
        (forget_former_keys, "although the host still has the keys that it dialled"),
        (keep_silent_links, "I7: "),
    ];
    for (sabotage, broken) in controls {
        let mut seeds = CONTROLS..CONTROLS + 500;
        let noticed = seeds.find_map(|seed| Some((seed, ride_out(&[seed], sabotage).err()?)));
        let (seed, message) = noticed.unwrap_or_else(|| panic!("nobody notices when this does not hold: {broken}"));
        assert!(message.contains(broken), "{message}");
        assert!(message.contains(&format!("the storm of seed {seed} broke something in step ")), "{message}");
        assert!(message.contains(&format!("OPENDESK_STORM_SEED={seed} cargo test")), "{message}");
        assert_eq!(ride_out(&[seed], sabotage).unwrap_err(), message, "it fails again, in the same step");

        let file = trace_file(seed);
        assert!(message.contains(&file.display().to_string()), "{message}");
        let trace = fs::read_to_string(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let recording = file.with_extension("trace");
        replays(fs::read(&recording).unwrap()).unwrap();
        fs::remove_file(&recording).unwrap();
        assert!(trace.contains(broken) && trace.contains("step 0\n") && trace.contains("wire 0 is link"), "{trace}");
    }
}
