//! A snapshot sweep over everybody after the purchases: the slices that the house is held for, and the chunks of
//! them put into a snapshot and made durable.

use std::time::{Duration, Instant};

use hongbao::actors::Slice;
use hongbao::domain::Position;
use hongbao::snapshot::{Coverage, Snapshots};

use super::world::{Stage, World};
use super::{Job, Run};

pub fn jobs(world: &World) -> Vec<Job> {
    let mut stage = world.stage();
    stage.send(&world.sale.buys());
    let (slices, _) = sweep(&mut stage);
    let newest = slices.iter().map(|slice| slice.newest).max().unwrap();
    let chunks: Vec<(Vec<u8>, Vec<u8>)> = slices
        .into_iter()
        .flat_map(|slice| slice.pieces)
        .flat_map(|piece| piece.into_chunks().unwrap())
        .collect();
    let (unit, units) = ("actors", stage.house.rooms().count() as u64);
    let bytes = Some(chunks.iter().map(|(_, value)| value.len() as u64).sum());
    let mut longest = Duration::ZERO;
    let slices = move || {
        let begun = Instant::now();
        let (slices, slice_max) = sweep(&mut stage);
        let took = begun.elapsed();
        longest = longest.max(slice_max);
        let detail = format!("{} slices, the longest {:.2} ms", slices.len(), longest.as_secs_f64() * 1e3);
        Run { took, detail }
    };
    let written = move || {
        let folder = tempfile::tempdir().unwrap();
        let mut snapshots = Snapshots::open(folder.path().join("snapshots")).unwrap();
        let begun = Instant::now();
        snapshots.begin().unwrap();
        chunks.iter().for_each(|(key, value)| snapshots.put(key, value).unwrap());
        let coverage = Coverage { identity: 1, read_from: Position(newest.0 + 1), newest, walks: 0 };
        let manifest = snapshots.finish(coverage).unwrap();
        Run { took: begun.elapsed(), detail: format!("{} chunks", manifest.chunks) }
    };
    vec![
        Job { name: "sweep/slices", unit, units, bytes, run: Box::new(slices) },
        Job { name: "sweep/written", unit, units, bytes, run: Box::new(written) },
    ]
}

/// All slices of a sweep over the house, and the longest time that it was held for one.
fn sweep(stage: &mut Stage) -> (Vec<Slice>, Duration) {
    let (mut slices, mut longest) = (Vec::new(), Duration::ZERO);
    stage.house.begin_sweep(Position(0), None);
    loop {
        let begun = Instant::now();
        let slice = stage.house.next_slice(Vec::new()).unwrap();
        longest = longest.max(begun.elapsed());
        let last = slice.last;
        slices.push(slice);
        if last {
            return (slices, longest);
        }
    }
}
