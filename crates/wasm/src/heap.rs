//! The allocator: small pieces from lists of free ones, large ones from talc, and memory that grows by a part of itself.
//!
//! A simulated cluster is millions of small pieces. What the standard library brings for wasm (dlmalloc) asks the engine
//! for a page or two of 64 KiB whenever it is short of memory, and each time the engine thinks about collecting garbage:
//! with ten thousand pods a quarter of all time went into that and into the search for room.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::{memory_grow, memory_size};
use std::cell::UnsafeCell;
use std::ptr::{self, NonNull};

use talc::base::Talc;
use talc::base::binning::Binning;
use talc::cell::TalcSyncCell;
use talc::source::Source;
use talc::wasm::WasmBinning;

/// The allocator of the module.
#[global_allocator]
static HEAP: Heap = Heap {
    small: UnsafeCell::new(Small { free: [ptr::null_mut(); CLASSES], next: ptr::null_mut(), left: 0 }),
    large: TalcSyncCell::new_wasm(Growing { end: None }),
};

/// Small pieces come in steps of so many bytes, and lie at multiples of it.
const STEP: usize = 8;

/// How many sizes of small pieces there are: up to 256 bytes.
const CLASSES: usize = 32;

/// The bytes that small pieces are cut from.
const BLOCK: Layout = match Layout::from_size_align(1 << 15, STEP) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

struct Heap {
    small: UnsafeCell<Small>,
    large: TalcSyncCell<Growing, WasmBinning>,
}

// SAFETY: the modules have one thread each.
unsafe impl Sync for Heap {}

/// The small pieces. One that was small once stays so: what a cluster needs now it will need again.
struct Small {
    /// The first free piece of each size; each begins with the place of the next.
    free: [*mut u8; CLASSES],
    /// What was not cut yet.
    next: *mut u8,
    left: usize,
}

/// The size of a small piece, as a number of steps less one.
fn class(layout: Layout) -> Option<usize> {
    let class = (layout.size().max(1) - 1) / STEP;
    (class < CLASSES && layout.align() <= STEP).then_some(class)
}

// SAFETY: a piece is handed out to one at a time, is as large as its class, and is taken back into the same class, which
// follows from the layout.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = class(layout) else {
            // SAFETY: the caller's word.
            return unsafe { self.large.alloc(layout) };
        };
        // SAFETY: nobody else looks at them now, as nothing here calls back; a free piece holds the place of the next.
        unsafe {
            let small = &mut *self.small.get();
            let first = small.free[class];
            if first.is_null() {
                return self.cut(small, (class + 1) * STEP);
            }
            small.free[class] = first.cast::<*mut u8>().read();
            first
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let Some(class) = class(layout) else {
            // SAFETY: the caller's word.
            return unsafe { self.large.dealloc(piece, layout) };
        };
        // SAFETY: as above; the piece is at least a step long and nobody's any more.
        unsafe {
            let small = &mut *self.small.get();
            piece.cast::<*mut u8>().write(small.free[class]);
            small.free[class] = piece;
        }
    }

    unsafe fn realloc(&self, piece: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's word: the size is not too large for the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (class(layout), class(new)) {
            // SAFETY: the caller's word.
            (None, None) => unsafe { self.large.realloc(piece, layout, size) },
            (from, to) if from == to => piece,
            // SAFETY: both pieces are there, and as long as their layouts say.
            _ => unsafe {
                let moved = self.alloc(new);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(piece, moved, layout.size().min(size));
                    self.dealloc(piece, layout);
                }
                moved
            },
        }
    }
}

impl Heap {
    /// A new small piece.
    #[inline(never)]
    fn cut(&self, small: &mut Small, size: usize) -> *mut u8 {
        if small.left < size {
            // SAFETY: the layout is not empty.
            let block = unsafe { self.large.alloc(BLOCK) };
            if block.is_null() {
                return block;
            }
            (small.next, small.left) = (block, BLOCK.size());
        }
        let piece = small.next;
        small.next = piece.wrapping_add(size);
        small.left -= size;
        piece
    }
}

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
