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

/** Profiles, loaded when they are asked for. */
export class Profiles {
  constructor(
    private readonly api: ProfileApi,
    private readonly log: Logger,
  ) {}

  async get(id: string): Promise<Profile> {
    const profile = await this.api.load(id);
    this.markSeen(id);
    return profile;
  }

  private markSeen(id: string): void {
    this.api.touch(id).catch((error: unknown) => {
      this.log.warn("touch failed", { id, error: String(error) });
    });
  }
}
