import type { Relay } from './relay.ts'

/** The process's relay, once something has needed it. Separate from `relay.ts`, which takes 150 ms to load. */
export const own = globalThis as typeof globalThis & { promptRelay?: Relay }
