export interface Profile {
  id: string;
  name: string;
  avatarUrl: string;
}

export interface ProfileApi {
  load(id: string): Promise<Profile>;
  touch(id: string): Promise<void>;
}

export interface Logger {
  warn(message: string, fields: Record<string, unknown>): void;
}

/** The profiles of one page view, each loaded once however many ask for it. */
export class ProfileCache {
  private readonly profiles = new Map<string, Profile>();

  constructor(
    private readonly api: ProfileApi,
    private readonly log: Logger,
  ) {}

  /** Return the profile. Callers at the same time share one request; a failure is not kept. */
  async get(id: string): Promise<Profile> {
    const present = this.profiles.get(id);
    if (present !== undefined) {
      return present;
    }
    const profile = await this.api.load(id);
    this.profiles.set(id, profile);
    this.markSeen(id);
    return profile;
  }

  private markSeen(id: string): void {
    void this.api.touch(id).catch((error: unknown) => {
      this.log.warn("touch failed", { id, error: String(error) });
    });
  }
}
