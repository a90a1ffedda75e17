"""Plans that come with the package: two studies, on runs that train in seconds."""
