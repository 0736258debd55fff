//! The last packets with pictures, so that each viewer takes them at its own pace.

use std::collections::VecDeque;

use super::packet::Packet;
use crate::picture::Mapping;

/// Packets that are kept for viewers who are a little late. Whoever is later gets a whole picture instead.
const MOST_PACKETS: usize = 16;

/// Bytes of all of them together.
const MOST_BYTES: usize = 8 << 20;

/// What a viewer gets next.
#[derive(Debug)]
pub(super) enum Due {
    /// It has the newest picture.
    Nothing,
    /// This, and then it has that version.
    Packet {
        /// The version.
        version: u64,
        /// What makes it.
        packet: Packet,
    },
    /// A whole picture: what has changed since its last one is not known any more.
    Whole,
}

/// The packets, by the version that the picture has after them.
#[derive(Debug, Default)]
pub(super) struct Reel {
    /// Of the picture; 0 before the first one.
    version: u64,
    /// What led to this version, one packet each.
    recent: VecDeque<Packet>,
    /// Whether the first of them is a whole picture.
    begins_whole: bool,
    bytes: usize,
    /// A whole picture that was made for somebody late, and its version.
    whole: Option<(u64, Packet)>,
    /// What of the desktop the newest picture shows, and how often that was something else.
    mapping: Option<(Mapping, u64)>,
}

impl Reel {
    /// The picture has changed. Without a packet, viewers get it whole.
    pub(super) fn push(&mut self, version: u64, packet: Option<Packet>, is_whole: bool, mapping: (Mapping, u64)) {
        self.version = version;
        self.mapping = Some(mapping);
        if is_whole || packet.is_none() {
            self.recent.clear();
            self.bytes = 0;
            self.begins_whole = is_whole && packet.is_some();
        }
        let Some(packet) = packet else { return };
        self.bytes += packet.len();
        self.recent.push_back(packet);
        while self.recent.len() > MOST_PACKETS || (self.bytes > MOST_BYTES && self.recent.len() > 1) {
            if let Some(oldest) = self.recent.pop_front() {
                self.bytes -= oldest.len();
                self.begins_whole = false;
            }
        }
    }

    /// Nobody follows the desktop any more: what it showed is not what it shows.
    pub(super) fn clear(&mut self) {
        *self = Self { version: self.version, ..Self::default() };
    }

    pub(super) fn keep_whole(&mut self, version: u64, packet: &Packet) {
        self.whole = Some((version, packet.clone()));
    }

    /// What the newest picture shows of the desktop, and its shape.
    pub(super) const fn mapping(&self) -> Option<(Mapping, u64)> {
        self.mapping
    }

    /// What comes after this version.
    pub(super) fn due(&self, has: u64) -> Due {
        if has >= self.version || self.mapping.is_none() {
            return Due::Nothing;
        }
        let first = self.version + 1 - self.recent.len() as u64;
        let next = has + 1;
        // Nothing before a whole picture is worth anything.
        let from = if self.begins_whole { next.max(first) } else { next };
        let packet = from.checked_sub(first).and_then(|index| self.recent.get(usize::try_from(index).ok()?));
        match (packet, &self.whole) {
            (Some(packet), _) => Due::Packet { version: from, packet: packet.clone() },
            (None, Some((version, packet))) if *version == self.version => {
                Due::Packet { version: *version, packet: packet.clone() }
            }
            (None, _) => Due::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rect;

    const SHOWN: (Mapping, u64) = (Mapping { picture: (8, 8), area: Rect::new(0.0, 0.0, 8.0, 8.0) }, 1);

    /// The versions that a viewer gets who has this one, until it has the newest or needs a whole picture.
    fn taken(reel: &Reel, mut has: u64) -> (Vec<u64>, bool) {
        let mut versions = Vec::new();
        loop {
            match reel.due(has) {
                Due::Nothing => return (versions, false),
                Due::Whole => return (versions, true),
                Due::Packet { version, .. } => {
                    versions.push(version);
                    has = version;
                }
            }
        }
    }

    #[test]
    fn whoever_is_a_little_late_gets_what_was_missed_and_whoever_is_later_a_whole_picture() {
        let mut reel = Reel::default();
        assert_eq!(taken(&reel, 0), (vec![], false), "there is no picture yet");
        for version in 1..=4 {
            reel.push(version, Some(Packet::beat()), version == 1, SHOWN);
        }
        assert_eq!(taken(&reel, 0), (vec![1, 2, 3, 4], false), "the first one is whole");
        assert_eq!(taken(&reel, 2), (vec![3, 4], false));
        for version in 5..=20 {
            reel.push(version, Some(Packet::beat()), false, SHOWN);
        }
        assert_eq!(taken(&reel, 4).0.len(), 16);
        assert_eq!(taken(&reel, 3), (vec![], true));
        assert_eq!(taken(&reel, 0), (vec![], true));
        reel.keep_whole(20, &Packet::beat());
        assert_eq!(taken(&reel, 0), (vec![20], false));
        reel.push(21, Some(Packet::beat()), false, SHOWN);
        assert_eq!(taken(&reel, 0), (vec![], true), "that one is old");
        assert_eq!(taken(&reel, 20), (vec![21], false));
    }

    #[test]
    fn a_whole_picture_is_all_that_anybody_needs() {
        let mut reel = Reel::default();
        for version in 1..=9 {
            reel.push(version, Some(Packet::beat()), version % 4 == 0, SHOWN);
        }
        for has in [0, 3, 6] {
            assert_eq!(taken(&reel, has), (vec![8, 9], false), "{has}");
        }
        reel.push(10, None, true, SHOWN);
        assert_eq!(taken(&reel, 9), (vec![], true), "in a format that nobody shows");
        reel.clear();
        assert_eq!(taken(&reel, 0), (vec![], false), "it is not followed any more");
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes() {
        let mut reel = Reel::default();
        let patches = vec![crate::api::Patch { data: vec![0; MOST_BYTES / 3], ..Default::default() }];
        let update = crate::api::ScreenUpdate { patches, ..Default::default() };
        let packet = Packet::picture(&update, 1).unwrap();
        for version in 1..=6 {
            reel.push(version, Some(packet.clone()), version == 1, SHOWN);
        }
        assert_eq!((reel.recent.len(), reel.bytes), (2, 2 * packet.len()));
        assert_eq!(taken(&reel, 4), (vec![5, 6], false));
    }
}
