import Link from 'next/link'
import { Plain } from '../../../_ui/plain.tsx'
import { promptPath } from '../../_words/prompt-path.ts'

/** Several projects have a prompt of this name. */
export function Projects({ name, projects }: { name: string; projects: string[] }) {
  return (
    <div className="mx-auto max-w-lg py-10">
      <h1 className="text-lg font-semibold tracking-tight [overflow-wrap:anywhere]">
        {projects.length} projects have a prompt called{' '}
        <span className="font-mono text-[0.95em]">
          <Plain text={name} />
        </span>
      </h1>
      <ul className="panel mt-5 divide-y divide-line">
        {projects.map((project) => (
          <li key={project}>
            <Link
              href={promptPath(name, { project })}
              prefetch={false}
              className="block px-4 py-3 font-mono text-[13px] [overflow-wrap:anywhere] hover:bg-raised/50"
            >
              <Plain text={project} />
            </Link>
          </li>
        ))}
      </ul>
    </div>
  )
}
