/**
 * Blocks of shared memory for the writer. The table is cut into pages; a page holds blocks of one size class,
 * or is part of a run of pages that holds one large block. A page without blocks left goes back to all, so no
 * pattern of sizes can use the table up for good.
 *
 * Bookkeeping is the writer's own and stands outside the shared memory, except for the links between free blocks
 * of a page, which stand in the free blocks.
 */
import { assert } from "../base/assert.ts";
import { HEADER_WORDS } from "./layout.ts";

/** Blocks are counted in units of two words: 8 octets. */
const UNIT_WORDS = 2;
/** Up to here every number of units has a class of its own. */
const EXACT_UNITS = 32;
/** From there on, classes per doubling: at most a fifth of a block is lost. */
const CLASSES_PER_DOUBLING = 4;
/** The largest block that shares a page, as a part of the page. */
const BLOCKS_PER_PAGE_MIN = 4;
const PAGE_BYTES_MIN = 4096;
const PAGE_BYTES_MAX = 65_536;
/** About as many pages as a table should have. */
const PAGES = 4096;

/** What a page is, beside a class number. */
const FREE = 0;
const RUN = 254;
const RUN_REST = 255;

export class Allocator {
  readonly #words: Int32Array;
  readonly #pageWords: number;
  readonly #pageEnd: number;
  /** Units of each class, and the class of each number of units. */
  readonly #classUnits: readonly number[];
  readonly #unitClass: Uint8Array;
  /** By page: what it is, its blocks in use, its first free block, the words never used, its run's pages. */
  readonly #kind: Uint8Array;
  readonly #used: Uint16Array;
  readonly #free: Int32Array;
  readonly #fresh: Int32Array;
  readonly #run: Int32Array;
  /** By class: a doubly linked list of pages with room. Page 0 is the header's and ends the list. */
  readonly #first: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** No page below this one is free. */
  #freeFrom: number;
  /** Octets of all blocks handed out. */
  bytes = 0;

  constructor(words: Int32Array) {
    this.#words = words;
    const pageBytes = pageSize(words.byteLength);
    this.#pageWords = pageBytes / 4;
    this.#freeFrom = Math.ceil(HEADER_WORDS / this.#pageWords);
    const pages = Math.floor(words.length / this.#pageWords);
    this.#pageEnd = pages;
    this.#classUnits = sizeClasses(pageBytes / 8 / BLOCKS_PER_PAGE_MIN);
    this.#unitClass = classesByUnits(this.#classUnits);
    this.#kind = new Uint8Array(pages);
    this.#used = new Uint16Array(pages);
    this.#free = new Int32Array(pages);
    this.#fresh = new Int32Array(pages);
    this.#run = new Int32Array(pages);
    this.#first = new Int32Array(this.#classUnits.length);
    this.#next = new Int32Array(pages);
    this.#previous = new Int32Array(pages);
  }

  /** A block of at least so many words at an even word, its content undefined; 0 when there is no room. */
  allocate(words: number): number {
    const units = (words + 1) >>> 1;
    const sizeClass = this.#unitClass[units];
    return sizeClass === undefined
      ? this.#allocateRun(Math.ceil(words / this.#pageWords))
      : this.#allocateBlock(sizeClass);
  }

  /** Takes a block back; no one may hold it any more. */
  free(position: number): void {
    const page = Math.floor(position / this.#pageWords);
    const kind = this.#kind[page]!;
    assert(kind !== FREE && kind !== RUN_REST, "a freed block was handed out before");
    this.bytes -= this.#sizeOf(page, kind);
    if (kind === RUN) this.#freeRun(page);
    else this.#freeBlock(page, kind, position);
  }

  /** Octets that the block occupies. */
  blockBytes(position: number): number {
    const page = Math.floor(position / this.#pageWords);
    return this.#sizeOf(page, this.#kind[page]!);
  }

  #sizeOf(page: number, kind: number): number {
    return kind === RUN ? this.#run[page]! * this.#pageWords * 4 : this.#classUnits[kind]! * 8;
  }

  #allocateBlock(sizeClass: number): number {
    const page = this.#first[sizeClass]! || this.#openPage(sizeClass);
    if (page === 0) return 0;
    const units = this.#classUnits[sizeClass]!;
    let position = this.#free[page]!;
    if (position !== 0) {
      this.#free[page] = this.#words[position]!;
    } else {
      position = page * this.#pageWords + this.#fresh[page]!;
      this.#fresh[page]! += units * UNIT_WORDS;
    }
    this.#used[page]! += 1;
    this.bytes += units * 8;
    if (!this.#hasRoom(page, units)) this.#unlist(page, sizeClass);
    return position;
  }

  #freeBlock(page: number, sizeClass: number, position: number): void {
    const wasFull = !this.#hasRoom(page, this.#classUnits[sizeClass]!);
    this.#words[position] = this.#free[page]!;
    this.#free[page] = position;
    this.#used[page]! -= 1;
    // A page that was full has other blocks in use still: it holds several.
    if (wasFull) {
      this.#list(page, sizeClass);
    } else if (this.#used[page] === 0) {
      this.#unlist(page, sizeClass);
      this.#releasePage(page);
    }
  }

  #hasRoom(page: number, units: number): boolean {
    return this.#free[page] !== 0 || this.#fresh[page]! + units * UNIT_WORDS <= this.#pageWords;
  }

  #openPage(sizeClass: number): number {
    const page = this.#findRun(1);
    if (page === 0) return 0;
    this.#kind[page] = sizeClass;
    this.#free[page] = 0;
    this.#fresh[page] = 0;
    this.#used[page] = 0;
    this.#freeFrom = page + 1;
    this.#list(page, sizeClass);
    return page;
  }

  #allocateRun(pages: number): number {
    const page = this.#findRun(pages);
    if (page === 0) return 0;
    this.#kind[page] = RUN;
    this.#kind.fill(RUN_REST, page + 1, page + pages);
    this.#run[page] = pages;
    this.bytes += pages * this.#pageWords * 4;
    return page * this.#pageWords;
  }

  #freeRun(page: number): void {
    const pages = this.#run[page]!;
    this.#kind.fill(FREE, page, page + pages);
    this.#freeFrom = Math.min(this.#freeFrom, page);
  }

  #releasePage(page: number): void {
    this.#kind[page] = FREE;
    this.#freeFrom = Math.min(this.#freeFrom, page);
  }

  /** First of so many free pages in a row, lowest first; 0 when there is none. */
  #findRun(pages: number): number {
    let start = this.#freeFrom;
    for (let page = start; page < this.#pageEnd; page++) {
      if (this.#kind[page] !== FREE) start = page + 1;
      else if (page + 1 - start === pages) return start;
    }
    return 0;
  }

  #list(page: number, sizeClass: number): void {
    const first = this.#first[sizeClass]!;
    this.#next[page] = first;
    this.#previous[page] = 0;
    this.#previous[first] = page;
    this.#first[sizeClass] = page;
  }

  #unlist(page: number, sizeClass: number): void {
    const next = this.#next[page]!;
    const previous = this.#previous[page]!;
    this.#previous[next] = previous;
    if (previous === 0) this.#first[sizeClass] = next;
    else this.#next[previous] = next;
  }
}

/** A small table has small pages, so that a few classes don't take it all. */
function pageSize(bytes: number): number {
  let size = PAGE_BYTES_MIN;
  while (size < PAGE_BYTES_MAX && size * PAGES < bytes) size *= 2;
  return size;
}

/** Units of each class; class 0 stands for a free page. */
function sizeClasses(unitsMax: number): number[] {
  const classes = Array.from({ length: EXACT_UNITS + 1 }, (_, units) => units);
  for (let base = EXACT_UNITS; base < unitsMax; base *= 2) {
    for (let step = 1; step <= CLASSES_PER_DOUBLING; step++) {
      classes.push(base + (base * step) / CLASSES_PER_DOUBLING);
    }
  }
  return classes.filter((units) => units <= unitsMax);
}

function classesByUnits(classUnits: readonly number[]): Uint8Array {
  const classes = new Uint8Array((classUnits.at(-1) as number) + 1);
  let sizeClass = 1;
  for (let units = 1; units < classes.length; units++) {
    if ((classUnits[sizeClass] as number) < units) sizeClass++;
    classes[units] = sizeClass;
  }
  return classes;
}
