export function BrandMark() {
  return (
    <svg class="brand" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
      <rect class="brand-tile" width="32" height="32" rx="8" />
      <path d="M11 4v24" stroke="#2ed3a0" stroke-width="2" stroke-linecap="round" />
      <rect x="8" y="8" width="6" height="17" rx="1.5" fill="#2ed3a0" />
      <path d="M21 15v13" stroke="#f5b83d" stroke-width="2" stroke-linecap="round" />
      <rect x="18" y="18" width="6" height="7" rx="1.5" fill="#f5b83d" />
    </svg>
  );
}

export function StarIcon() {
  return (
    <svg class="star-icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d="M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8L3.6 9.7l5.8-.8z" />
    </svg>
  );
}
