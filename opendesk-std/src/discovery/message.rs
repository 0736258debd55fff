//! The messages of multicast DNS (RFC 6762 over RFC 1035), as far as a host needs them that is looked for: it reads
//! questions and writes what it is. Nothing that others say of themselves is read, so nothing of it is kept.

use core::net::IpAddr;

const A: u16 = 1;
const PTR: u16 = 12;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const ANY: u16 = 255;

/// The class of all that there is.
const INTERNET: u16 = 1;

/// In an answer: what was known before under this name is not so any more.
const FLUSH: u16 = 0x8000;

/// The flags of a message that answers, and has it at first hand.
const ANSWER: u16 = 0x8400;

/// What tells an answer, or anything but a plain question, apart.
const NO_QUESTION: u16 = 0xf800;

/// Bytes of a name (RFC 1035, 2.3.4).
const NAME: usize = 255;

/// Questions and known answers of one message that are read. Nobody asks for as much.
const MOST: u16 = 256;

/// Seconds for which addresses and the port hold, and for which everything else does (RFC 6762, 10).
const HOST_SECONDS: u32 = 120;
const OTHER_SECONDS: u32 = 4500;

/// Seconds for which an answer holds for somebody who does not listen to what changes (RFC 6762, 6.7).
const LEGACY_SECONDS: u32 = 10;

/// Every service of this network is listed under this name (RFC 6763, 9).
const SERVICES: &str = "_services._dns-sd._udp.local.";

/// A name as it stands in a message, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(Vec<u8>);

impl Name {
    /// Labels with dots between them; none is longer than 63 bytes.
    pub(super) fn new(text: &str) -> Self {
        let mut name = Vec::new();
        for label in text.split('.').filter(|label| !label.is_empty()) {
            let label = label.as_bytes().get(..63).unwrap_or(label.as_bytes());
            name.push(label.len() as u8);
            name.extend(label.to_ascii_lowercase());
        }
        name.push(0);
        Self(name)
    }
}

/// What somebody wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    id: u16,
    questions: Vec<(Name, u16)>,
    /// Pointers that whoever asks has already: from where, to where, and for how many seconds more.
    known: Vec<(Name, Name, u32)>,
}

impl Query {
    /// `None` for what is no question.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let mut reader = Reader { packet, at: 0 };
        let (id, flags) = (reader.short()?, reader.short()?);
        let (questions, answers, _, _) = (reader.short()?, reader.short()?, reader.short()?, reader.short()?);
        if flags & NO_QUESTION != 0 || questions > MOST {
            return None;
        }
        let mut query = Self { id, questions: Vec::new(), known: Vec::new() };
        for _ in 0..questions {
            let (name, kind, _class) = (reader.name()?, reader.short()?, reader.short()?);
            query.questions.push((name, kind));
        }
        for _ in 0..answers.min(MOST) {
            let Some(known) = reader.record() else { break };
            query.known.extend(known);
        }
        Some(query)
    }
}

struct Reader<'a> {
    packet: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.packet.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn long(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn name(&mut self) -> Option<Name> {
        let mut name = Vec::new();
        let (mut at, mut end) = (self.at, None);
        // A name goes on only further to the front, so it ends.
        let mut before = self.at;
        loop {
            let length = *self.packet.get(at)?;
            match length {
                0 => {
                    name.push(0);
                    self.at = end.unwrap_or(at + 1);
                    return Some(Name(name));
                }
                1..=63 => {
                    let label = self.packet.get(at + 1..at + 1 + usize::from(length))?;
                    name.push(length);
                    name.extend(label.to_ascii_lowercase());
                    if name.len() >= NAME {
                        return None;
                    }
                    at += 1 + usize::from(length);
                }
                64..=191 => return None,
                192..=255 => {
                    let low = *self.packet.get(at + 1)?;
                    let target = (usize::from(length & 0x3f) << 8) | usize::from(low);
                    end.get_or_insert(at + 2);
                    if target >= before {
                        return None;
                    }
                    (at, before) = (target, target);
                }
            }
        }
    }

    /// The next record, if it is a pointer.
    fn record(&mut self) -> Option<Option<(Name, Name, u32)>> {
        let owner = self.name()?;
        let (kind, _class, seconds, length) = (self.short()?, self.short()?, self.long()?, self.short()?);
        let data = self.at;
        self.take(usize::from(length))?;
        let after = self.at;
        self.at = data;
        let pointer = if kind == PTR { self.name().map(|target| (owner, target, seconds)) } else { None };
        self.at = after;
        Some(pointer)
    }
}

/// Which records of a host are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    kinds: bool,
    pointer: bool,
    place: bool,
    text: bool,
    addresses: bool,
}

impl Wanted {
    /// What is said without having been asked.
    pub(super) const ALL: Self = Self { kinds: false, pointer: true, place: true, text: true, addresses: true };

    pub(super) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    pub(super) const fn and(self, other: Self) -> Self {
        Self {
            kinds: self.kinds || other.kinds,
            pointer: self.pointer || other.pointer,
            place: self.place || other.place,
            text: self.text || other.text,
            addresses: self.addresses || other.addresses,
        }
    }
}

/// For how long what is said holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasting {
    /// As long as is usual.
    Usual,
    /// Not any more.
    Over,
}

/// A host as it is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    service: Name,
    services: Name,
    instance: Name,
    host: Name,
    port: u16,
    text: Vec<u8>,
}

impl Told {
    /// The host behind this port, as the instance of a service, with the data of its TXT record.
    pub(super) fn new(service: &str, instance: &str, port: u16, text: Vec<u8>) -> Self {
        Self {
            service: Name::new(service),
            services: Name::new(SERVICES),
            instance: Name::new(&format!("{instance}.{service}")),
            host: Name::new(&format!("{instance}.local.")),
            port,
            text,
        }
    }

    /// What of it is asked for.
    pub(super) fn wanted(&self, query: &Query) -> Wanted {
        let mut wanted = Wanted::default();
        for (name, kind) in &query.questions {
            let asks = |kinds: &[u16]| *kind == ANY || kinds.contains(kind);
            if *name == self.service {
                wanted.pointer |= asks(&[PTR]);
            } else if *name == self.services {
                wanted.kinds |= asks(&[PTR]);
            } else if *name == self.instance {
                wanted.place |= asks(&[SRV]);
                wanted.text |= asks(&[TXT]);
            } else if *name == self.host {
                wanted.addresses |= asks(&[A, AAAA]);
            }
        }
        // Who has it for half of its time yet knows it (RFC 6762, 7.1).
        let knows = |owner: &Name, target: &Name| {
            let is_it = |(from, to, seconds): &(Name, Name, u32)| {
                from == owner && to == target && *seconds >= OTHER_SECONDS / 2
            };
            query.known.iter().any(is_it)
        };
        wanted.pointer &= !knows(&self.service, &self.instance);
        wanted.kinds &= !knows(&self.services, &self.service);
        wanted
    }

    /// A message to everybody: what is wanted, and what whoever wants it will ask for next.
    pub(super) fn message(&self, wanted: Wanted, addresses: &[IpAddr], lasting: Lasting) -> Vec<u8> {
        let seconds = |usual| if lasting == Lasting::Over { 0 } else { usual };
        let records = self.records(wanted, addresses, FLUSH, seconds);
        written(0, &[], &records)
    }

    /// A message to somebody who asked from a port of its own, and hears nothing else.
    pub(super) fn reply(&self, query: &Query, addresses: &[IpAddr]) -> Vec<u8> {
        let records = self.records(self.wanted(query), addresses, 0, |_| LEGACY_SECONDS);
        written(query.id, &query.questions, &records)
    }

    /// Those that are asked for, and those that go with them.
    fn records(
        &self,
        wanted: Wanted,
        addresses: &[IpAddr],
        flush: u16,
        seconds: impl Fn(u32) -> u32,
    ) -> [Vec<Vec<u8>>; 2] {
        let record = |owner: &Name, kind: u16, class: u16, usual: u32, data: &[u8]| {
            let mut record = owner.0.clone();
            record.extend(kind.to_be_bytes());
            record.extend((INTERNET | class).to_be_bytes());
            record.extend(seconds(usual).to_be_bytes());
            record.extend((data.len() as u16).to_be_bytes());
            record.extend(data);
            record
        };
        let mut place = [0, 0, 0, 0].to_vec();
        place.extend(self.port.to_be_bytes());
        place.extend(&self.host.0);
        let [mut answers, mut more] = [Vec::new(), Vec::new()];
        if wanted.kinds {
            answers.push(record(&self.services, PTR, 0, OTHER_SECONDS, &self.service.0));
        }
        if wanted.pointer {
            answers.push(record(&self.service, PTR, 0, OTHER_SECONDS, &self.instance.0));
        }
        let mut add = |is_asked: bool, goes_with: bool, record: Vec<u8>| {
            if is_asked {
                answers.push(record);
            } else if goes_with {
                more.push(record);
            }
        };
        let Wanted { pointer, place: asks_place, .. } = wanted;
        add(asks_place, pointer, record(&self.instance, SRV, flush, HOST_SECONDS, &place));
        add(wanted.text, pointer, record(&self.instance, TXT, flush, OTHER_SECONDS, &self.text));
        for address in addresses {
            let (kind, data) = match address {
                IpAddr::V4(address) => (A, address.octets().to_vec()),
                IpAddr::V6(address) => (AAAA, address.octets().to_vec()),
            };
            add(wanted.addresses, pointer || asks_place, record(&self.host, kind, flush, HOST_SECONDS, &data));
        }
        [answers, more]
    }
}

fn written(id: u16, questions: &[(Name, u16)], [answers, more]: &[Vec<Vec<u8>>; 2]) -> Vec<u8> {
    let mut message = Vec::new();
    for number in [id, ANSWER, questions.len() as u16, answers.len() as u16, 0, more.len() as u16] {
        message.extend(number.to_be_bytes());
    }
    for (name, kind) in questions {
        message.extend(&name.0);
        message.extend(kind.to_be_bytes());
        message.extend(INTERNET.to_be_bytes());
    }
    message.extend(answers.iter().chain(more).flatten());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "_opendesk._tcp.local.";

    fn told() -> Told {
        Told::new(SERVICE, "pc-00aabb", 8423, b"\x03v=1".to_vec())
    }

    /// A question with the names as they are given, and a known pointer.
    fn question(names: &[(&str, u16)], known: &[(&str, &str, u32)]) -> Vec<u8> {
        let mut packet = [7_u16, 0, names.len() as u16, known.len() as u16, 0, 0].map(u16::to_be_bytes).concat();
        for (name, kind) in names {
            packet.extend(Name::new(name).0);
            packet.extend([kind.to_be_bytes(), INTERNET.to_be_bytes()].concat());
        }
        for (owner, target, seconds) in known {
            let target = Name::new(target).0;
            packet.extend(Name::new(owner).0);
            packet.extend([PTR.to_be_bytes(), INTERNET.to_be_bytes()].concat());
            packet.extend(seconds.to_be_bytes());
            packet.extend((target.len() as u16).to_be_bytes());
            packet.extend(target);
        }
        packet
    }

    fn wanted(names: &[(&str, u16)], known: &[(&str, &str, u32)]) -> Wanted {
        told().wanted(&Query::read(&question(names, known)).expect("a question"))
    }

    #[test]
    fn what_is_asked_for_is_told_apart() {
        let [instance, host] = ["PC-00AABB._opendesk._tcp.local.", "pc-00aabb.local."];
        let nothing = Wanted::default();
        assert_eq!(wanted(&[("_OpenDesk._tcp.local.", PTR)], &[]), Wanted { pointer: true, ..nothing });
        assert_eq!(wanted(&[(SERVICES, PTR)], &[]), Wanted { kinds: true, ..nothing });
        assert_eq!(wanted(&[(instance, SRV)], &[]), Wanted { place: true, ..nothing });
        assert_eq!(wanted(&[(instance, ANY)], &[]), Wanted { place: true, text: true, ..nothing });
        assert_eq!(wanted(&[(host, AAAA), (instance, TXT)], &[]), Wanted { text: true, addresses: true, ..nothing });
        assert!(wanted(&[("_http._tcp.local.", PTR), (host, PTR), (SERVICE, SRV), (instance, A)], &[]).is_nothing());
    }

    #[test]
    fn who_knows_it_is_not_told_again_before_half_of_the_time_is_over() {
        let instance = "pc-00aabb._opendesk._tcp.local.";
        assert!(wanted(&[(SERVICE, PTR)], &[(SERVICE, instance, 2250)]).is_nothing());
        assert!(!wanted(&[(SERVICE, PTR)], &[(SERVICE, instance, 2249)]).is_nothing());
        assert!(!wanted(&[(SERVICE, PTR)], &[(SERVICE, "other._opendesk._tcp.local.", 4500)]).is_nothing());
    }

    #[test]
    fn answers_and_what_breaks_off_are_no_questions() {
        let packet = question(&[(SERVICE, PTR)], &[(SERVICE, SERVICE, 1)]);
        let whole = Query::read(&packet).expect("a question");
        // What is known is read as far as it goes.
        let questions_end = packet.len() - question(&[], &[(SERVICE, SERVICE, 1)]).len() + 12;
        for length in 0..packet.len() {
            let read = Query::read(&packet[..length]);
            assert_eq!(read.is_some(), length >= questions_end, "{length}");
        }
        assert_eq!((whole.id, whole.known.len()), (7, 1));
        let mut answer = packet.clone();
        answer[2] = 0x84;
        assert_eq!(Query::read(&answer), None);
        let mut many = packet;
        many[4] = 0xff;
        assert_eq!(Query::read(&many), None);
    }

    #[test]
    fn a_name_may_go_on_further_to_the_front_and_nowhere_else() {
        // A question for a name, and one for a label in front of the same name.
        let mut packet = question(&[(SERVICE, PTR), ("x", SRV)], &[]);
        let end = packet.len() - 5;
        packet.splice(end..end + 1, [0xc0, 12]);
        let query = Query::read(&packet).expect("a question");
        assert_eq!(query.questions[1].0, Name::new(&format!("x.{SERVICE}")));
        let at = end as u8;
        for target in [at, at - 2, at + 1, 0xff] {
            packet[end + 1] = target;
            assert_eq!(Query::read(&packet), None, "{target}");
        }
        let long = vec![[&[63][..], &[b'x'; 63]].concat(); 4].concat();
        let packet = [&[0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &long, &[0, 0, 1, 0, 1]].concat();
        assert_eq!(Query::read(&packet), None);
    }

    #[test]
    fn whatever_bytes_are_changed_nothing_panics_and_names_stay_short() {
        let names = [(SERVICE, PTR), (SERVICES, PTR), ("pc-00aabb._opendesk._tcp.local.", ANY)];
        let packet = question(&names, &[(SERVICE, "pc-00aabb._opendesk._tcp.local.", 4500)]);
        let mut state = 1_u64;
        let mut next = |below: usize| {
            // Knuth's MMIX generator: the same bytes each time.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut read = 0;
        for _ in 0..50_000 {
            let mut changed = packet.clone();
            for _ in 0..next(4) {
                let at = next(changed.len());
                changed[at] = next(256) as u8;
            }
            changed.truncate(packet.len() - next(2) * next(packet.len()));
            if let Some(query) = Query::read(&changed) {
                read += 1;
                assert!(query.questions.iter().all(|(name, _)| name.0.len() <= NAME), "{changed:?}");
                let reply = told().reply(&query, &[]);
                assert_eq!(reply[..2], changed[..2]);
            }
        }
        assert!(read > 10_000, "{read}");
    }

    #[test]
    fn a_message_holds_what_is_wanted_and_what_goes_with_it() {
        let addresses: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let counts = |message: &[u8]| [6, 10].map(|at| u16::from_be_bytes([message[at], message[at + 1]]));
        let message = told().message(Wanted { pointer: true, ..Wanted::default() }, &addresses, Lasting::Usual);
        assert_eq!(counts(&message), [1, 4]);
        assert_eq!(counts(&told().message(Wanted::ALL, &addresses, Lasting::Usual)), [5, 0]);
        let text = Wanted { text: true, ..Wanted::default() };
        assert_eq!(counts(&told().message(text, &addresses, Lasting::Usual)), [1, 0]);
        // The TXT record, byte by byte: its owner, type, class with the flush bit, seconds, length and data.
        let instance = Name::new("pc-00aabb._opendesk._tcp.local.").0;
        let expected =
            |seconds: u32| [&instance[..], &[0, 16, 0x80, 1], &seconds.to_be_bytes(), &[0, 4], b"\x03v=1"].concat();
        assert_eq!(told().message(text, &addresses, Lasting::Usual)[12..], expected(4500));
        assert_eq!(told().message(text, &addresses, Lasting::Over)[12..], expected(0));
    }

    #[test]
    fn who_asks_from_another_port_gets_the_question_back() {
        let packet = question(&[("pc-00aabb._opendesk._tcp.local.", TXT)], &[]);
        let reply = told().reply(&Query::read(&packet).expect("a question"), &[]);
        assert_eq!(reply[..12], [0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(reply[12..packet.len()], packet[12..]);
        let record = &reply[packet.len()..];
        let instance = Name::new("pc-00aabb._opendesk._tcp.local.").0;
        assert_eq!(record[instance.len()..], [&[0, 16, 0, 1, 0, 0, 0, 10, 0, 4][..], b"\x03v=1"].concat());
    }
}
