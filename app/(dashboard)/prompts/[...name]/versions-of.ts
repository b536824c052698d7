import type { ShownVersion } from '#lib/store/views/prompt-page.ts'

/** Which version carries a label now. */
export interface Holder {
  label: string
  version: number
}

/** `production` first, as it is the one that people look for, then by version, newest first. */
export function holdersOf(versions: Pick<ShownVersion, 'version' | 'labels' | 'deleted'>[]): Holder[] {
  const rank = ({ label }: Holder): number => (label === 'production' ? 0 : label === 'latest' ? 1 : 2)
  return versions
    .filter(({ deleted }) => !deleted)
    .flatMap(({ version, labels }) => labels.map((label) => ({ label, version })))
    .toSorted((a, b) => rank(a) - rank(b) || b.version - a.version || a.label.localeCompare(b.label))
}

export interface Pair {
  from: number
  to: number
}

/**
 * Which two versions to compare: those asked for, as far as their texts are known; else what would change if the
 * newest went to production; else the newest two. `versions`: newest first. Null: no text is known.
 */
export function pairOf(
  versions: Pick<ShownVersion, 'version' | 'labels' | 'deleted' | 'size'>[],
  asked: { from?: number; to?: number },
): Pair | null {
  const known = versions.filter(({ size }) => size !== null).map(({ version }) => version)
  const [newest] = known
  if (newest === undefined) return null
  const isKnown = (version: number | undefined): version is number =>
    version !== undefined && known.includes(version)
  const to = isKnown(asked.to) ? asked.to : newest
  const production = holdersOf(versions).find(({ label }) => label === 'production')?.version
  const others = [asked.from, production, known.find((version) => version < to)]
  const from = isKnown(asked.from) ? asked.from : others.find((one) => isKnown(one) && one < to)
  return { from: from ?? to, to }
}
