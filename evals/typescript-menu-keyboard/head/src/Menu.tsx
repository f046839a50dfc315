import React from 'react';

export function Menu({ onClose }: { onClose: () => void }) {
  return (
    <nav>
      <div className="close" onClick={onClose} />
    </nav>
  );
}
