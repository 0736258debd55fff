//! A file that is larger than the memory that the host may take for it.

use core::time::Duration;
use std::fs::File;
use std::os::unix::fs::FileExt;

use opendesk_std::api::{FileReadParams, FileWriteParams, FsRead, FsWrite};
use opendesk_std::home::Home;
use opendesk_tests::bin::{PEER, Served};
use opendesk_tokio::ConnectOptions;

use crate::{Folder, peak};

/// Bytes of the file: 1 GiB.
const SIZE: u64 = 1 << 30;

/// Bytes of a part: half of what an answer may have.
const PART: u64 = 8 << 20;

/// What the host may take at most while the file goes through it, in KiB: some parts, never the file.
const ROOM: u64 = 256 << 10;

/// What tells a part from all others: its number, at its beginning and end.
fn mark(part: u64) -> [u8; 8] {
    (part ^ 0x5eed_5eed_5eed_5eed).to_le_bytes()
}

#[test]
fn a_file_of_one_gibibyte_goes_there_and_back_in_bounded_memory() {
    let folder = Folder::new();
    let host = Served::start(&folder.home("host"), "virtual", &[]);
    host.pair(&folder.home("controller"));
    let (from, to) = (folder.home("from"), folder.home("to"));
    let file = File::create(&from).unwrap();
    file.set_len(SIZE).unwrap();
    for part in 0..SIZE / PART {
        file.write_all_at(&mark(part), part * PART).unwrap();
        file.write_all_at(&mark(part), (part + 1) * PART - 8).unwrap();
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let home = Home::open(Some(folder.home("controller"))).unwrap();
        let client = opendesk_tokio::connect(&ConnectOptions { home, peer: PEER.into() }).await.unwrap();
        let limit = Duration::from_secs(60);
        for part in 0..SIZE / PART {
            let path = from.display().to_string();
            let read = FileReadParams { path, offset: part * PART, length: Some(PART) };
            let read = client.call_within::<FsRead>(&read, limit).await.unwrap();
            assert_eq!((read.size, read.data.len() as u64), (SIZE, PART));
            assert!(read.data.starts_with(&mark(part)) && read.data.ends_with(&mark(part)), "part {part}");
            let path = to.display().to_string();
            // The first part begins the file anew.
            let offset = (part > 0).then_some(part * PART);
            client.call_within::<FsWrite>(&FileWriteParams { path, data: read.data, offset }, limit).await.unwrap();
        }
        client.close().await;
    });
    let taken = peak(host.process());
    assert!(taken < ROOM, "{taken} KiB");
    let copy = File::open(&to).unwrap();
    assert_eq!(copy.metadata().unwrap().len(), SIZE);
    for part in 0..SIZE / PART {
        let (mut first, mut last) = ([0; 8], [0; 8]);
        copy.read_exact_at(&mut first, part * PART).unwrap();
        copy.read_exact_at(&mut last, (part + 1) * PART - 8).unwrap();
        assert_eq!((first, last), (mark(part), mark(part)), "part {part}");
    }
}
