import { headers } from 'next/headers'
import { writtenTargets } from '#lib/config.ts'
import type { Db } from '#lib/db/client.ts'
import { countFailed } from '#lib/db/deliveries.ts'
import { oldestDue } from '#lib/db/health.ts'
import type { TargetRow } from '#lib/db/schema.ts'
import { lastDelivered, lastRejection, lastSigned } from '#lib/db/setup.ts'
import { allTargets } from '#lib/db/targets.ts'
import type { Env } from '#lib/env.ts'
import type { Relay } from '#lib/relay.ts'
import type { SecretSeen, SetupSeen, TargetSeen } from '#lib/setup-checks.ts'
import build from '#relay.config.ts'

const fromOutside = 'langfuse-webhook'
/** Whoever signs means the relay; what comes without a signature is mostly somebody who scans the internet. */
const ofSigners = ['signature-mismatch', 'signature-expired', 'signature-undated', 'scheme-off', 'no-secret']

/** What the setup page tells, with the change that each target got last. */
export interface Seen extends SetupSeen {
  targets: (TargetSeen & { lastChangeId: string | null })[]
}

/** All that the setup page needs to know, as it stands now. */
export async function setupSeen(db: Db, { env, routes }: Relay, now: number): Promise<Seen> {
  const signed = await lastSigned(db, fromOutside)
  const states = new Map((await allTargets(db)).map((row) => [row.name, row]))
  const targets = writtenTargets(build, env).map((written) =>
    targetSeen(db, { ...written, isWanted: isWanted(routes, written.name) }, states.get(written.name)),
  )
  return {
    now,
    address: await addressSeen(env),
    secrets: env.LANGFUSE_WEBHOOK_SECRET.map((secret) => secretSeen(secret, signed.bySecret)),
    lastEventAt: signed.at,
    lastRejection: await lastRejection(db, ofSigners),
    targets: await Promise.all(targets),
    alertTarget: routes.alertTarget,
    oldestDueAt: await oldestDue(db, now),
    hasPassword: env.DASHBOARD_PASSWORD !== undefined,
    hasCronSecret: env.CRON_SECRET !== undefined,
    hasLangfuseKeys: env.LANGFUSE_SECRET_KEY !== undefined,
    isServerless: Boolean(process.env.VERCEL),
    store: env.DATABASE_URL.startsWith('file:') ? 'sqlite' : 'postgres',
  }
}

/** `PUBLIC_URL`, else the address under which this page was asked for. */
async function addressSeen({ PUBLIC_URL }: Env): Promise<SetupSeen['address']> {
  if (PUBLIC_URL !== undefined) return { url: PUBLIC_URL.replace(/\/+$/, ''), isSet: true }
  const given = await headers()
  const first = (name: string) => given.get(name)?.split(',')[0]?.trim()
  const host = first('x-forwarded-host') ?? first('host') ?? 'localhost'
  return { url: `${first('x-forwarded-proto') ?? 'http'}://${host}`, isSet: false }
}

function secretSeen(secret: string, bySecret: Map<string, number>): SecretSeen {
  const hint = secret.slice(-4)
  return { hint, lastAt: bySecret.get(hint) ?? null }
}

const isWanted = ({ rules, alertTarget }: Relay['routes'], name: string): boolean =>
  name === alertTarget || rules.some((rule) => rule.to.includes(name))

async function targetSeen(
  db: Db,
  written: Pick<TargetSeen, 'name' | 'type' | 'missing' | 'isWanted'>,
  state: TargetRow | undefined,
): Promise<Seen['targets'][number]> {
  const last = await lastDelivered(db, written.name)
  return {
    ...written,
    failures: state?.failures ?? 0,
    heldUntil: state?.open_until ?? null,
    lastDeliveredAt: last?.at ?? null,
    lastChangeId: last?.changeId ?? null,
    failed: await countFailed(db, written.name, 0),
  }
}
