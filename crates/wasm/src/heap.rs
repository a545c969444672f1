//! The allocator: memory that grows by a part of itself.
//!
//! A simulated cluster is millions of small pieces. What the standard library brings for wasm (dlmalloc) asks the engine
//! for a page or two of 64 KiB whenever it is short of memory, and each time the engine thinks about collecting garbage:
//! with ten thousand pods a quarter of all time went into that and into the search for room.

use std::alloc::Layout;
use std::arch::wasm32::{memory_grow, memory_size};
use std::ptr::NonNull;

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// The allocator of the module.
#[global_allocator]
static HEAP: TalcSyncCell<Growing, WasmBinning> = TalcSyncCell::new_wasm(Growing { end: None });

/// Bytes of a page of wasm.
const PAGE: usize = 1 << 16;

/// Pages asked for at a time, at least: 1 MiB.
const LEAST: usize = 16;

/// The memory grows by this part of itself (one eighth), so that how often it grows does not rise with its size.
const PART: usize = 8;

/// What the allocator needs besides the piece itself: its own head, and room to align it.
const OVERHEAD: usize = 256;

/// Asks the engine for memory.
#[derive(Debug)]
struct Growing {
    /// Where the allocator's memory ends.
    end: Option<NonNull<u8>>,
}

// SAFETY: nothing is allocated in here, and the allocator is used by the reference that it hands in only.
unsafe impl Source for Growing {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        let needed = (layout.size() + layout.align() + OVERHEAD).div_ceil(PAGE);
        let wanted = needed.max(LEAST).max(memory_size::<0>() / PART);
        let (before, pages) = grow(wanted, needed).ok_or(())?;
        let base = (before * PAGE) as *mut u8;
        let end = base.wrapping_add(pages * PAGE);
        talc.source.end = match talc.source.end.take() {
            // SAFETY: the new pages begin where the allocator's memory ends, and are nobody else's.
            Some(old) if old.as_ptr() == base => Some(unsafe { talc.extend(old, end) }),
            // SAFETY: the engine gave the pages just now; nobody else knows them.
            _ => unsafe { talc.claim(base, pages * PAGE) },
        };
        Ok(())
    }
}

/// Grows the memory by as many pages as wanted, or at least by what is needed: the page at which the new memory begins,
/// and how many pages came.
fn grow(wanted: usize, needed: usize) -> Option<(usize, usize)> {
    [wanted, needed].into_iter().find_map(|pages| match memory_grow::<0>(pages) {
        usize::MAX => None,
        before => Some((before, pages)),
    })
}
