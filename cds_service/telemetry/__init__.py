"""Traces and metrics by OpenTelemetry; the only importer of its SDK, and imported only where it is switched on."""

from cds_service.telemetry.setup import Telemetry, start_telemetry

__all__ = ["Telemetry", "start_telemetry"]
