export function Logo({ className = 'size-6' }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <rect width="32" height="32" rx="8" className="fill-[#4453d6]" />
      <path
        d="M8 10h7a4 4 0 0 1 4 4v4a4 4 0 0 0 4 4h1M8 22h4"
        fill="none"
        stroke="#fff"
        strokeWidth="3"
        strokeLinecap="round"
      />
      <circle cx="24" cy="10" r="2.5" fill="#fff" />
    </svg>
  )
}
