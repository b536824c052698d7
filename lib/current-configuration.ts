import build from '#relay.config.ts'
import { type Configuration, readConfiguration } from './core/rules/configuration.ts'

let reading: Configuration | undefined

/** The environment and `relay.config.ts`, read once and on demand: a build needs no secrets. */
export function currentConfiguration(): Configuration {
  reading ??= readConfiguration(build, process.env)
  return reading
}
