import React from 'react';

export function Menu({ onClose }: { onClose: () => void }) {
  return (
    <nav>
      <button onClick={onClose}>Close</button>
    </nav>
  );
}
