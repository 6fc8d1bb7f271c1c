//! What nothing may exceed, and why. Every bound of the engine stands here, so that the relations
//! between them can be checked when the crate is compiled.

mod sales;

use std::time::Duration;

pub use sales::*;

/// The most minor units that one amount, one balance and one currency's whole money may reach.
///
/// A quintillion fits a signed 64-bit integer nine times over, so no sum of two legal amounts can
/// overflow; a deposit or credit line that could carry a currency past it is refused, and therefore
/// no credit inside a walk can be.
pub const MONEY_MINOR_MAX: u64 = 1_000_000_000_000_000_000;

/// The longest name of an account or an offering, in bytes: room for any UUID, ULID or e-mail address.
pub const NAME_BYTES_MAX: usize = 128;

/// The longest request id, in bytes (DESIGN §5).
pub const REQUEST_ID_BYTES_MAX: usize = 128;

/// The longest of an offering's texts, in bytes: a page of text. Longer documents belong behind a link.
pub const TEXT_BYTES_MAX: usize = 4_096;

/// The most items (serials) of one offering. Their numbers are given out together, from 64 bits.
pub const OFFERING_ITEMS_MAX: u32 = 10_000_000;

/// The most accounts that a supplier may name as payers of an offering's commission.
pub const PAYERS_MAX: usize = 64;

/// The most buyers who wait at one offering while its last serials are being paid (SPEC F5).
///
/// Each holds a permit, so the line stays well under the permits.
pub const LINE_MAX: usize = 1_024;

/// The most messages that wait at one actor for one walk, such as concurrent repeats of a purchase. All are
/// decided again when it goes on, and may then wait for the one of them that was first, so without a bound a
/// batch of repeats that fail would cost the square of its length.
pub const WAITERS_MAX: usize = 1_024;

/// The most living chains that one circulation without a serial tries in turn (SPEC D39). An account that is
/// linked to so many in a row is answered `already_linked`: without a bound, one message could write two
/// records for each of a million chains.
pub const TURN_TRIES_MAX: u32 = 256;

/// The most circulations of one certificate; its chain is kept in memory.
pub const HOPS_MAX: u32 = 1_000_000;

/// The most credits that one record sends out. More of them go out page by page, so that one
/// settlement with ten thousand sharers cannot hold a shard or swell a record.
pub const CREDITS_PER_PAGE: usize = 256;

/// The most hops of a chain that one query answers.
pub const HOPS_PER_VIEW_MAX: u32 = 1_000;

/// How long a gift waits to be accepted where its donor says nothing else (SPEC T9): 24 hours, in milliseconds.
pub const GIFT_OPEN_MS: u64 = 24 * 60 * 60 * 1_000;

/// The most gifts that one list shows.
pub const GIFTS_PER_VIEW_MAX: usize = 1_000;

/// The most entries of a private platform, or rows of a history, that one page shows.
pub const PAGE_ENTRIES_MAX: usize = 1_000;

/// The most published offerings that one look at the public platform goes through.
pub const PLATFORM_LOOKED_AT_MAX: usize = 4_096;

/// The longest text that is looked for on the public platform, in bytes.
pub const PLATFORM_QUERY_BYTES_MAX: usize = 256;

/// How many notices are kept for listeners that are slower than they come; what is older is left out, and they
/// are told how many.
pub const NOTICES_KEPT_MAX: usize = 65_536;

/// The longest that a reservation may stand, in milliseconds: a month.
pub const RESERVABLE_MS_MAX: u64 = 31 * 24 * 60 * 60 * 1_000;

/// How long a request of an account that makes nothing lasting is recognised when it is repeated (DESIGN §5):
/// 24 hours, in milliseconds of the engine's clock.
pub const REQUEST_KEPT_MS: u64 = 24 * 60 * 60 * 1_000;

/// The most such requests of its own that one account remembers, as many of the institution's and as many of others; full
/// means `day_full`, never forgotten early.
pub const REQUESTS_KEPT_MAX: usize = 65_536;

/// The latest point of time that a message may name, in milliseconds since 1970: the year 9999.
pub const TIME_MS_MAX: u64 = 253_402_300_799_999;

/// The most messages of one batch at a door (DESIGN §7).
pub const BATCH_MESSAGES_MAX: usize = 8_190;

/// The most messages under way at once in one engine. Past it a door answers `overloaded`.
pub const PERMITS_MAX: usize = 65_536;

/// The most requests that a server notes as begun and not answered: all that are under way, and as many again that are being
/// refused. What is more is begun all the same; only a repeat of it waits.
pub const BEGUN_MAX: usize = 2 * PERMITS_MAX;

/// How long a client should wait after `overloaded`, in milliseconds: a few sync batches empty a full house.
pub const OVERLOADED_RETRY_MS: u64 = 20;

/// How long a client of a server should wait after `stopped`, in seconds: whoever runs it has to start it again.
pub const STOPPED_RETRY_SECONDS: u32 = 30;

/// The most messages that a shard handles before it hands over their records: larger turns cost
/// the first message of the turn its latency.
pub const TURN_MESSAGES_MAX: usize = 1_024;

/// The most records that a shard makes before it hands them over: one for each message of a turn, and what time alone
/// has brought about at their actors; where that is more, the rest comes with the next turn.
pub const TURN_RECORDS_MAX: usize = 2 * TURN_MESSAGES_MAX;

/// A record that messages share is ended once its events have so many bytes: some thousand credits fit, and one more event
/// keeps it far below `RECORD_BYTES_MAX`.
pub const JOINT_BYTES_MAX: usize = 256 * 1024;

/// How often a shard looks whether something is due by time alone, in milliseconds: nobody notices a prompt or
/// a return that is so much late, and fifty comparisons a second cost nothing. What is due is dated at its own
/// instant however late it is found.
pub const TIMER_MS: u64 = 20;

/// The most shards of one engine: more than the cores of any one machine it was meant for.
pub const SHARDS_MAX: usize = 64;

/// A segment that would grow past this many bytes is followed by a new one: small enough to be
/// read into memory whole at a start, large enough that making files is rare.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Payload bytes gathered for one sync before the next to hand over must wait: past some
/// megabytes a sync costs in proportion to its bytes, so more would buy delay and no speed.
/// The records of one turn are never split, so a batch may be larger by that turn.
pub const BATCH_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// No batch on disk has a longer payload, so a damaged length cannot ask for more memory.
pub const BATCH_PAYLOAD_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// No record is longer: many times what the largest decision of one actor needs, and still
/// small beside the memory of any machine that runs the engine.
pub const RECORD_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// No segment file is longer, because a segment holds at least one batch however large, and
/// otherwise stops at its roll size. The last kibibyte is for the heads.
pub const SEGMENT_FILE_BYTES_MAX: u64 = SEGMENT_BYTES_MAX + BATCH_PAYLOAD_BYTES_MAX + 1024;

/// No record has a position, and no batch a number, that reaches this one, so that counting on from either never ends: at ten
/// million records a second it takes fourteen thousand years.
pub const JOURNAL_NUMBER_MAX: u64 = 1 << 62;

/// What sled may keep of a snapshot in memory, in bytes: chunks are written once and read once, so more would only
/// be taken from the actors.
pub const SNAPSHOT_CACHE_BYTES: u64 = 64 * 1024 * 1024;

/// No chunk of a snapshot has a longer value, in bytes: room for the largest single actor, a certificate with all
/// its hops; usual chunks have tens of kilobytes.
pub const CHUNK_BYTES_MAX: u32 = 256 * 1024 * 1024;

/// No chunk has a longer key, in bytes: a kind and a few numbers.
pub const CHUNK_KEY_BYTES_MAX: u32 = 64;

/// Once the files of a snapshot's half have more bytes than so many times its values, and `HALF_SPARE_BYTES`, the next
/// generation in it begins afresh. sled keeps what was overwritten: the files of a half whose every value was rewritten forty
/// times had thirty to fifty times its bytes. A half that was just begun has two to three times.
pub const HALF_GROWTH_MAX: u64 = 4;

/// What the files of a half may have beside that, in bytes: sled takes its files in pieces of half a megabyte, and a half
/// that is small costs little.
pub const HALF_SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// A snapshot begins with reading and hashing both halves, unless nobody has touched their files since their hash was known, by what the
/// operating system says of them. What was written before is read again at the latest after so long, because a device that loses
/// something says nothing.
pub const SNAPSHOT_MARKS_TRUSTED: Duration = Duration::from_secs(600);

/// What the operating system says of a file that was changed less than this before is not relied on: most file systems count such times
/// by ticks of up to ten milliseconds.
pub const SNAPSHOT_MARKS_SETTLED: Duration = Duration::from_millis(50);

/// The same where a file system counts them in whole seconds, or in two at once.
pub const SNAPSHOT_MARKS_COARSE: Duration = Duration::from_secs(3);

/// A snapshot is given up where its device has fewer bytes free, and what it has written is removed: the room is the journal's,
/// whose answers come first. It is what the journal takes in a tenth of a second and more of the heaviest load.
pub const SNAPSHOT_ROOM_LEFT_BYTES: u64 = 16 * 1024 * 1024;

/// No manifest of a snapshot is longer, in bytes: its few numbers need a hundred, and a later version's a few more.
pub const MANIFEST_BYTES_MAX: u64 = 4_096;

const _: () = assert!(LINE_MAX * 4 <= PERMITS_MAX, "a full line must leave permits for everyone else");
const _: () = assert!(BATCH_MESSAGES_MAX <= PERMITS_MAX, "one batch must fit the house");
const _: () = assert!(MONEY_MINOR_MAX < i64::MAX as u64 / 8, "sums of legal amounts must fit a balance");
const _: () = assert!(RECORD_BYTES_MAX < BATCH_PAYLOAD_BYTES_MAX, "a batch holds its records");
const _: () = assert!(JOINT_BYTES_MAX as u64 * 2 <= RECORD_BYTES_MAX, "a record holds what messages share");
const _: () = assert!(BATCH_BYTES_MAX <= SEGMENT_BYTES_MAX, "a segment holds a usual batch");
const _: () = assert!(BATCH_PAYLOAD_BYTES_MAX <= u32::MAX as u64, "a batch's length has four bytes");
const _: () = assert!(
    TURN_RECORDS_MAX as u64 * 16 * TEXT_BYTES_MAX as u64 <= BATCH_PAYLOAD_BYTES_MAX,
    "one turn's records fit a batch, each with all of an offering's texts"
);

/// A snapshot is begun after so many bytes of journal: some two and a half million records, which a restart reads in
/// several seconds.
pub const SNAPSHOT_EVERY_BYTES: u64 = 256 * 1024 * 1024;

/// The most journal that a restart may need: past it the doors answer `overloaded` until snapshots stand for it.
pub const JOURNAL_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// The smallest segment that may be asked for.
pub const SEGMENT_BYTES_MIN: u64 = 4_096;

const _: () = assert!(
    JOURNAL_BYTES_MAX >= 4 * SNAPSHOT_EVERY_BYTES,
    "two generations and the sweep under way fit below where doors slow down"
);

/// A snapshot's chunks aim at this many bytes: sled takes some 400 MB/s of values from 16 to 64 KB, and a tenth of that
/// of small ones (DESIGN §4).
pub const PIECE_BYTES_MAX: usize = 64 * 1024;

/// A slice of a sweep ends once it has encoded this many bytes, so that a shard is held for some tens of microseconds: the
/// shorter they are, the fewer of them does the system interrupt.
pub const SLICE_BYTES_MAX: usize = 8 * 1024;

/// The most pages that one slice looks at.
pub const SLICE_PAGES_MAX: usize = 256;

/// The most hops and requests of one page that are encoded while its shard waits, which takes up to a millisecond. Where its actors
/// have more, those that have more than their share of this are large too. A page with more never leaves memory: it is decoded while its
/// shard waits, which takes some five times as long.
pub const PAGE_ENCODED_ENTRIES_MAX: usize = 8_192;

/// A slice of copies of large actors ends once these have so many entries, so that the copies that wait to be stored are few and
/// the shard is held for one of them at a time where it is very large.
pub const SLICE_COPIED_ENTRIES_MAX: usize = 4_096;

/// An actor that remembers more hops or requests than this is copied for a snapshot, which takes little whatever its size, and
/// encoded elsewhere.
pub const LARGE_ACTOR_ENTRIES: usize = 1_024;

/// The largest file of settings, in bytes: some hundred times what it would be with every key in it.
pub const SETTINGS_FILE_BYTES_MAX: u64 = 64 * 1024;

/// The most keys that count at once: services, not customers.
pub const KEYS_MAX: usize = 10_000;

/// The fewest characters of a password that is set (OWASP; NIST SP 800-63B).
pub const PASSWORD_CHARACTERS_MIN: usize = 8;

/// The most characters of a password: room for a whole sentence.
pub const PASSWORD_CHARACTERS_MAX: usize = 128;

/// The most bytes of a password: each of its characters may have four.
pub const PASSWORD_BYTES_MAX: usize = 4 * PASSWORD_CHARACTERS_MAX;

/// What one hash of a password holds in memory, in KiB: the least that OWASP names for argon2id with two passes.
pub const PASSWORD_MEMORY_KIB: u32 = 19 * 1024;

/// How often a hash of a password goes over that memory (OWASP).
pub const PASSWORD_PASSES: u32 = 2;

/// How many lanes a hash of a password has: one, because many passwords are hashed side by side already.
pub const PASSWORD_LANES: u32 = 1;

/// The longest hash of a password that is kept, in bytes; one has about a hundred.
pub const PASSWORD_HASH_BYTES_MAX: usize = 256;

/// The longest line of the file of passwords, in bytes: a name of which each byte is written as six, a hash and the rest.
pub const PASSWORD_LINE_BYTES_MAX: u64 = 2_048;

/// The file of passwords is written anew once it has more than twice the lines that count, and so many beside them.
pub const PASSWORD_SPARE_LINES: u64 = 1_000;

/// The most passwords that are hashed at once, and never more than half the cores: each takes a core and its memory for some tens
/// of milliseconds.
pub const PASSWORD_HASHES_AT_ONCE_MAX: usize = 8;

/// The most passwords that wait to be hashed: a few seconds' worth on the smallest machine. Past it the answer is `overloaded`.
pub const PASSWORD_HASHES_WAITING_MAX: usize = 64;

/// How long a session lasts, in seconds: a token that was lost is worth nothing after a quarter of an hour.
pub const SESSION_SECONDS: u64 = 15 * 60;

/// The largest body of a request that needs no key, in bytes: a name and a password, each byte of which may be written as six.
pub const LOG_IN_BODY_BYTES_MAX: usize = 8 * 1024;

/// After so many wrong passwords for one account each try is followed by a pause.
pub const WRONG_PASSWORDS_MAX: u32 = 5;

/// The first of these pauses, in milliseconds; each later one is twice as long.
pub const TRY_FIRST_PAUSE_MS: u64 = 1_000;

/// No pause is longer, in milliseconds: a guesser has four tries an hour then.
pub const TRY_LONGEST_PAUSE_MS: u64 = 15 * 60 * 1_000;

/// How long wrong passwords are remembered, in milliseconds since the last of them: so long that waiting gains a guesser nothing.
pub const TRIES_KEPT_MS: u64 = 4 * TRY_LONGEST_PAUSE_MS;

/// The most accounts whose wrong passwords are remembered; whoever had the fewest is forgotten first.
pub const TRIES_ACCOUNTS_MAX: usize = 65_536;

/// How many messages a second an account may send through its keys and sessions together, unless it is told otherwise: many
/// times what somebody at a screen sends, and a thousandth of what the engine takes.
pub const ACCOUNT_RATE: u32 = 100;

/// The most messages a second that may be allowed: more is no bound.
pub const ACCOUNT_RATE_MAX: u32 = 1_000_000;

/// An account that was silent may send so many seconds' worth of messages at once.
pub const ACCOUNT_BURST_SECONDS: u64 = 2;

/// The most accounts that were not silent for so long, and so the most that are remembered for their rates.
pub const RATED_ACCOUNTS_MAX: usize = 262_144;

/// How often a server that is to end looks whether everything is answered, in milliseconds.
pub const DRAIN_LOOKED_AT_MS: u64 = 20;

/// How long a server that is to end leaves for answers to reach their clients, in milliseconds.
pub const DRAIN_FLUSH_MS: u64 = 300;

/// The most connections of a server, where the system allows as many files: each takes some ten kilobytes.
pub const CONNECTIONS_MAX: usize = 50_000;

/// How long a connection over HTTP may rest between two requests, in seconds: longer than the minute after which most balancers
/// and clients let go of one themselves, so that none of them sends on one that is being closed here.
pub const CONNECTION_REST_SECONDS: u64 = 75;

/// How long a connection over HTTP may have begun to ask and not been answered, in seconds, also where it says a byte now and then:
/// longer than any body takes and any answer.
pub const ASKING_SECONDS_MAX: u64 = 75;

/// How long nothing may come or go over a connection over HTTP, in seconds: a little longer than one may rest.
pub const STILL_SECONDS_MAX: u64 = 80;

/// How long a client may take to close its side of a connection over HTTP that is closed here, in milliseconds.
pub const CLOSE_MS_MAX: u64 = 1_000;

/// Files that are left for the store, webhooks and everything else, whatever connections there are: a store that could begin no
/// segment would stop.
pub const FILES_KEPT: usize = 256;

/// How long a gRPC connection may be silent at its beginning, in milliseconds.
pub const FIRST_BYTE_MS: u64 = 5_000;

/// The largest body of a request, in bytes: a full batch of messages with room for long names.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a body may take to come, in milliseconds.
pub const BODY_MS_MAX: u64 = 30_000;

/// How long a request may wait for its answers, in milliseconds: behind that its outcome is unknown.
pub const ANSWER_MS_MAX: u64 = 30_000;

/// Bounds of the histogram of the journal's syncs, in microseconds: from a device with a cache of its own that outlives a loss of
/// power to one that is in trouble.
pub const SYNC_MICROSECONDS: [u64; 13] =
    [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 2_000_000];

/// Bounds of the histogram of how long answers take, in microseconds: from a look that waits for nothing to a third of what an answer may
/// take.
pub const ANSWER_MICROSECONDS: [u64; 16] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    2_000_000, 5_000_000, 10_000_000,
];

const _: () = assert!(
    ANSWER_MICROSECONDS[ANSWER_MICROSECONDS.len() - 1] < ANSWER_MS_MAX * 1_000,
    "an answer that is given up is above every bound"
);

/// How long a collector of traces may take to answer, and how long a server that ends waits for it, in milliseconds.
pub const OTLP_MS_MAX: u64 = 5_000;

/// How often a request that waits for a snapshot looks whether it is finished, in milliseconds.
pub const SNAPSHOT_LOOKED_AT_MS: u64 = 20;

/// How long anybody waits for whoever changes a file beside the data, in milliseconds: nobody needs more than a moment.
pub const FILE_LOCK_MS_MAX: u64 = 5_000;

/// How often that is tried, in milliseconds.
pub const FILE_LOCK_TRIED_MS: u64 = 5;

/// The most histories and receipts that one account reads at once, so that no account keeps all others from theirs.
pub const HISTORIES_OF_ACCOUNT_MAX: usize = 8;

/// The most batches of one stream that are under way at once: enough that one is always there when a sync ends.
pub const STREAM_BATCHES_MAX: usize = 8;

/// The most calls of one gRPC connection at once.
pub const STREAMS_MAX: u32 = 100;

/// How often a gRPC connection is asked whether anybody is there, and how long that may take, in milliseconds.
pub const KEPT_ALIVE_MS: u64 = 20_000;

/// How often the gRPC server looks whether the engine takes messages, to tell it to whoever asks for its health, in milliseconds.
pub const READY_LOOKED_AT_MS: u64 = 50;

/// How much of the journal one look for events reads, in bytes.
pub const FEED_BYTES_AT_ONCE: u64 = 1024 * 1024;

/// How often a listener looks for new events, in milliseconds.
pub const FEED_LOOKED_AT_MS: u64 = 20;

/// How often a listener to whom nothing is told is told that, in milliseconds: so nobody between takes the connection for
/// dead, and one whose client has gone is found out and gives up its place.
pub const FEED_ALIVE_MS: u64 = 3_000;

/// The most listeners of one server at once: each reads the journal by itself.
pub const FEED_LISTENERS_MAX: usize = 64;

/// The most listeners of one account's keys, so that no account keeps all others out.
pub const FEED_LISTENERS_OF_ACCOUNT_MAX: usize = 8;

/// The most names that one listener remembers, not to look each of them up for each event.
pub const FEED_NAMES_MAX: usize = 10_000;

/// Where a reader of single records remembers batches: one in so many bytes, in bytes. It reads as much at once to pass over small
/// batches.
pub const SEEK_STEP_BYTES: usize = 16 * 1024;

/// Of how many segments a reader of single records remembers where batches begin: a few hundred kilobytes at most for each.
pub const SEEK_SEGMENTS_MAX: usize = 16;

/// How many read histories and receipts at once: each may hold a batch in memory, and disks serve a few readers best.
pub const HISTORY_READERS_MAX: usize = 8;

/// How many histories and receipts there are at once, those included that wait for a reader: each keeps a thread waiting.
pub const HISTORIES_MAX: usize = 64;

/// How long a history waits for a reader, in milliseconds: many times what any page takes.
pub const HISTORY_PATIENCE_MS: u64 = 10_000;

/// How much of the journal one page of a history may read, in bytes, but for the last record; what is left comes with the next page.
pub const HISTORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many names are looked up in one visit of a shard, which works on nothing else meanwhile.
pub const NAMES_PER_VISIT: usize = 128;

/// The most entries of the chain in one receipt: a sale whose commission has gone to ten thousand sharers has some twenty thousand.
pub const RECEIPT_ENTRIES_MAX: usize = 32_768;

/// The most bytes of events in one receipt; as text they are twice as many.
pub const RECEIPT_EVENTS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much of the journal one receipt may need to be read, in bytes: some seconds of a disk.
pub const RECEIPT_READ_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// The longest file that is taken for a receipt, in bytes: the most events as text, and room for everything else that a receipt of so
/// many entries says.
pub const RECEIPT_FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

const _: () =
    assert!(HISTORY_PATIENCE_MS < ANSWER_MS_MAX, "who waits for a reader is told before the answer is late");
const _: () = assert!(
    (RECEIPT_EVENTS_BYTES_MAX * 2 + RECEIPT_ENTRIES_MAX * 512) as u64 <= RECEIPT_FILE_BYTES_MAX,
    "a receipt that is made can be verified"
);

/// The most webhooks of one server: each has a thread.
pub const WEBHOOKS_MAX: usize = 64;

/// The longest address of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;

/// The most webhooks of one account, so that no account takes the room of all others.
pub const WEBHOOKS_OF_ACCOUNT_MAX: usize = 8;

/// How often a running server looks whether webhooks were made or removed, in milliseconds.
pub const WEBHOOKS_LOOKED_AT_MS: u64 = 500;

/// How long a receiver of events may take to answer, in milliseconds.
pub const WEBHOOK_MS_MAX: u64 = 10_000;

/// How long a webhook waits before it sends an event again, in milliseconds; each later pause is twice as long.
pub const WEBHOOK_FIRST_PAUSE_MS: u64 = 500;

/// No pause of a webhook is longer, in milliseconds: a receiver that is there again is not kept waiting for long.
pub const WEBHOOK_LONGEST_PAUSE_MS: u64 = 60_000;

/// How often a webhook that has nothing to send notes how far it has read, in milliseconds.
pub const WEBHOOK_PLACE_MS: u64 = 1_000;

/// How often a running server looks whether its file of keys has changed, in milliseconds.
pub const KEYS_LOOKED_AT_MS: u64 = 1_000;

/// How long a server that is told to end waits for requests that are under way, in seconds: longer than a body and its answer
/// may take.
pub const DRAIN_SECONDS_MAX: u64 = 70;

const _: () = assert!(BODY_MS_MAX + ANSWER_MS_MAX < DRAIN_SECONDS_MAX * 1_000, "who has begun is answered");
const _: () = assert!(DRAIN_SECONDS_MAX < ASKING_SECONDS_MAX, "a body and its answer have their time");
const _: () = assert!(ASKING_SECONDS_MAX < STILL_SECONDS_MAX, "what is asked may still be answered");
const _: () = assert!(CONNECTION_REST_SECONDS < STILL_SECONDS_MAX, "a connection rests as long as it may");
const _: () = assert!(FEED_ALIVE_MS < STILL_SECONDS_MAX * 1_000, "who listens is written to before");
const _: () =
    assert!(PASSWORD_BYTES_MAX * 6 + NAME_BYTES_MAX * 6 < LOG_IN_BODY_BYTES_MAX, "who logs in can say so");
const _: () = assert!(
    NAME_BYTES_MAX * 6 + PASSWORD_HASH_BYTES_MAX + 128 < PASSWORD_LINE_BYTES_MAX as usize,
    "a line holds any name and any hash"
);
const _: () = assert!(TRIES_KEPT_MS > TRY_LONGEST_PAUSE_MS, "what a pause is for is remembered behind it");
