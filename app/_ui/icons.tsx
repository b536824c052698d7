/** 16 × 16, one stroke. */
const paths = {
  alert: 'M8 2.5 14.2 13.2H1.8ZM8 6.5v3M8 11.4v.1',
  arrow: 'M3 8h10M9.5 4.5 13 8l-3.5 3.5',
  back: 'M5.5 3 2.5 6l3 3M2.5 6h7a3.5 3.5 0 0 1 0 7H6',
  bell: 'M4 11.5V7a4 4 0 0 1 8 0v4.5l1 1H3ZM6.8 14h2.4',
  check: 'm3 8.5 3.2 3.2L13 5',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2ZM8 4.8V8l2.2 1.6',
  copy: 'M5.5 5.5V3a.5.5 0 0 1 .5-.5h7a.5.5 0 0 1 .5.5v7a.5.5 0 0 1-.5.5h-2.5M3 5.5h7a.5.5 0 0 1 .5.5v7a.5.5 0 0 1-.5.5H3a.5.5 0 0 1-.5-.5V6a.5.5 0 0 1 .5-.5Z',
  cross: 'm4 4 8 8M12 4l-8 8',
  download: 'M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10',
  equal: 'M3.5 6h9M3.5 10h9',
  external: 'M6 3.5H3.5v9h9V10M9 3h4v4M12.8 3.2 7.5 8.5',
  eye: 'M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6Z',
  filter: 'M2 4h12M4.5 8h7M7 12h2',
  hash: 'M6.5 2.5 5 13.5M11 2.5 9.5 13.5M3 6h10.5M2.5 10H13',
  left: 'M13 8H3M6.5 4.5 3 8l3.5 3.5',
  minus: 'M3.5 8h9',
  pause: 'M6 3.5v9M10 3.5v9',
  plus: 'M8 3v10M3 8h10',
  question: 'M5.8 6a2.2 2.2 0 1 1 3.3 1.9C8.3 8.4 8 8.8 8 9.6M8 12v.1',
  right: 'm6 3.5 4.5 4.5L6 12.5',
  retry: 'M13 4v3h-3M12.8 7A5 5 0 1 0 13 9.5',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM10.3 10.3l3.2 3.2',
  send: 'M13.5 2.5 7 9M13.5 2.5 9.5 13.5 7 9 2.5 6.5Z',
  skip: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11ZM4.2 4.2l7.6 7.6',
  tag: 'M2.5 2.5h5l6 6-5 5-6-6ZM5.3 5.3v.1',
  trash: 'M2.5 4.5h11M6 4V2.5h4V4M4 4.5l.6 9h6.8l.6-9M6.7 7v4M9.3 7v4',
  up: 'M8 13V3M4 7l4-4 4 4',
}

export type IconName = keyof typeof paths

/** Decoration: its meaning is always beside it in words. */
export function Icon({ name, className = 'size-4' }: { name: IconName; className?: string }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true" className={`icon ${className}`}>
      <path d={paths[name]} />
    </svg>
  )
}
