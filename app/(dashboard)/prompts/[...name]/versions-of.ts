import type { ShownVersion } from '#lib/store/views/prompt-page.ts'

/** The version that a label is on. */
export interface Holder {
  label: string
  version: number
}

/** `production` first, because people look for it, then `latest`, then the others, newest version first. */
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
 * The two versions to compare: the requested ones if their texts are known, else what promoting the newest would change
 * in production, else the newest two. `versions`: newest first. Null: no text is known.
 */
export function pairOf(
  versions: Pick<ShownVersion, 'version' | 'labels' | 'deleted' | 'size'>[],
  requested: { from?: number; to?: number },
): Pair | null {
  const known = versions.filter(({ size }) => size !== null).map(({ version }) => version)
  const [newest] = known
  if (newest === undefined) return null
  const isKnown = (version: number | undefined): version is number =>
    version !== undefined && known.includes(version)
  const to = isKnown(requested.to) ? requested.to : newest
  const production = holdersOf(versions).find(({ label }) => label === 'production')?.version
  const others = [requested.from, production, known.find((version) => version < to)]
  const from = isKnown(requested.from) ? requested.from : others.find((one) => isKnown(one) && one < to)
  return { from: from ?? to, to }
}
